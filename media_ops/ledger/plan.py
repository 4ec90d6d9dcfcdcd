"""What an inspect ends with: the description, the rungs and the jobs of a source, in one transaction.

Planning again with another recipe makes only what changed: rungs that it leaves as they were stay, the
others are superseded. What does not belong here: choosing rungs (``media_ops.ladder``).
"""

from uuid import UUID

import asyncpg
import msgspec

from mcsp.database.pool import Connection
from media_ops.costs import cost_s
from media_ops.description import SourceDescription
from media_ops.ledger.endings import done
from media_ops.ledger.leases import OPENING_PRIORITY, OTHER_PRIORITY, Lease, lost
from media_ops.ledger.settle import settle
from media_ops.ledger.transaction import item_transaction
from media_ops.recipes import Grid, Group, Plan, Rung, name_rungs

ART = Group(kind="art", lane="video", slot="quick", first=False, rungs=())

_FENCE = """
SELECT s.etag, s.size_bytes, s.grid FROM media_ops.job j
JOIN media_ops.source s ON s.media_id = j.media_id AND s.version = j.source_version
WHERE j.job_id = $1 AND j.lease_token = $2 AND j.state = 'running' FOR UPDATE OF j
"""

_MADE = """
SELECT digest, rung FROM media_ops.rendition
WHERE media_id = $1 AND source_version = $2 AND state <> 'superseded'
"""

_DESCRIBE = """
UPDATE media_ops.source
SET kind = $3, description = $4, duration_s = $5, recipe = $6, grid = $7, opening = $8, inspected_at = now(),
    failure = NULL, state = CASE WHEN state = 'inspecting' THEN 'processing' ELSE state END
WHERE media_id = $1 AND version = $2
"""

_SUPERSEDE = """
UPDATE media_ops.rendition SET state = 'superseded'
WHERE media_id = $1 AND state <> 'superseded' AND digest <> ALL ($2)
RETURNING digest
"""

_CANCEL = """
UPDATE media_ops.job SET state = 'cancelled', finished_at = now(), lease_token = NULL, lease_until = NULL
WHERE media_id = $1 AND rungs && $2 AND state IN ('queued', 'running')
"""

_RENDITION = """
INSERT INTO media_ops.rendition AS r
    (media_id, digest, source_version, name, kind, codec, width, height, frame_rate, channels, sample_rate,
     bitrate, recipe, rung)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
ON CONFLICT (media_id, digest) DO UPDATE
    SET state = CASE WHEN r.published_at IS NULL THEN 'queued' ELSE 'published' END, failure = NULL
    WHERE r.state = 'superseded'
"""

_JOB = "SELECT media_ops.put_job($1, $2, $3, $4, $5, $6, $7, $8)"

_TO_MAKE = """
SELECT digest FROM media_ops.rendition
WHERE media_id = $1 AND digest = ANY ($2) AND state IN ('queued', 'running')
"""


async def plan_source(pool: asyncpg.Pool, lease: Lease, description: SourceDescription, plan: Plan) -> None:
    """Write the description, rungs and jobs of an inspected source; its inspect job is done with that.

    LeaseLostError when the inspect job is not ours any more: nothing is written then.
    """
    async with item_transaction(pool, lease.media_id) as connection:
        source = await connection.fetchrow(_FENCE, lease.job_id, lease.token)
        if source is None:
            raise lost(lease)
        digests = await _digests(connection, lease, source, plan)
        described = msgspec.structs.replace(description, left_out=plan.left_out)
        await _describe(connection, lease, described, plan, digests)
        await _write_rungs(connection, lease, plan, digests)
        for group in plan.groups:
            await _write_job(connection, lease, description, group, [digests[r.name] for r in group.rungs])
        if description.kind == "video" or description.pictures:
            await _write_job(connection, lease, description, ART, [])
        await done(connection, lease)
        await settle(connection, lease.media_id)


async def _digests(
    connection: Connection, lease: Lease, source: asyncpg.Record, plan: Plan
) -> dict[str, str]:
    rows = await connection.fetch(_MADE, lease.media_id, lease.source_version)
    made = {row["digest"]: msgspec.convert(row["rung"], Rung) for row in rows}
    grid = msgspec.convert(source["grid"], Grid | None)
    return name_rungs(plan, source["etag"], source["size_bytes"], grid=grid, made=made)


async def _describe(
    connection: Connection,
    lease: Lease,
    description: SourceDescription,
    plan: Plan,
    digests: dict[str, str],
) -> None:
    opening = [digests[rung.name] for group in plan.groups if group.first for rung in group.rungs]
    await connection.execute(
        _DESCRIBE, lease.media_id, lease.source_version, plan.kind, description, description.duration_s,
        str(plan.recipe), plan.grid, opening,
    )  # fmt: skip


async def _write_rungs(connection: Connection, lease: Lease, plan: Plan, digests: dict[str, str]) -> None:
    gone = await connection.fetch(_SUPERSEDE, lease.media_id, list(digests.values()))
    await connection.execute(_CANCEL, lease.media_id, [row["digest"] for row in gone])
    await connection.executemany(
        _RENDITION,
        [_rendition(lease.media_id, lease.source_version, plan, r, digests[r.name]) for r in plan.rungs],
    )


def _rendition(media_id: UUID, version: int, plan: Plan, rung: Rung, digest: str) -> tuple[object, ...]:
    return (
        media_id, digest, version, rung.name, rung.kind, rung.codec, rung.width, rung.height,
        str(rung.frame_rate) if rung.frame_rate else None, rung.channels, rung.sample_rate, rung.bitrate,
        str(plan.recipe), rung,
    )  # fmt: skip


async def _write_job(
    connection: Connection, lease: Lease, source: SourceDescription, group: Group, digests: list[str]
) -> None:
    rows = await connection.fetch(_TO_MAKE, lease.media_id, digests)
    rungs = sorted(row["digest"] for row in rows)
    if group.rungs and not rungs:
        return
    await connection.execute(
        _JOB, lease.media_id, lease.source_version, group.kind, group.lane, group.slot, rungs,
        OPENING_PRIORITY if group.first else OTHER_PRIORITY, cost_s(source, group.rungs),
    )  # fmt: skip
