"""What a worker reads of an item before it works on it: its source and the rungs of a job.

What does not belong here: leases and writes.
"""

from uuid import UUID

import asyncpg
import msgspec

from media_ops.description import SourceDescription
from media_ops.ledger.leases import Lease, lost
from media_ops.recipes import Grid, Rung

_SOURCE = """
SELECT bucket, key, etag, size_bytes, filename, description, grid
FROM media_ops.source WHERE media_id = $1 AND version = $2 AND state <> 'deleted'
"""

_RUNGS = """
SELECT digest, rung FROM media_ops.rendition
WHERE media_id = $1 AND digest = ANY ($2) AND state IN ('queued', 'running') ORDER BY kind DESC, bitrate
"""

# One job of an item measures its loudness: one that decodes the sound anyway and that nobody waits for.
_MEASURES = """
SELECT job_id = $3 FROM media_ops.job
WHERE media_id = $1 AND source_version = $2 AND kind IN ('copy', 'encode', 'audio') AND state <> 'cancelled'
ORDER BY slot = 'encode' DESC, lane = 'audio' DESC, job_id LIMIT 1
"""

_SOURCES = "SELECT DISTINCT bucket, key FROM media_ops.source WHERE media_id = $1"


class SourceRow(msgspec.Struct, frozen=True, kw_only=True):
    """Where a source's bytes are, and what is known of them once inspected; ``size_bytes`` in bytes."""

    bucket: str
    key: str
    etag: str
    size_bytes: int
    filename: str
    description: SourceDescription | None
    grid: Grid | None


class PlannedRung(msgspec.Struct, frozen=True, kw_only=True):
    """A rung still to be made, and the digest that names it."""

    digest: str
    rung: Rung


async def source_of(pool: asyncpg.Pool, lease: Lease) -> SourceRow:
    """The source of a job. LeaseLostError when the item was deleted."""
    row = await pool.fetchrow(_SOURCE, lease.media_id, lease.source_version)
    if row is None:
        raise lost(lease)
    return msgspec.convert(dict(row), SourceRow)


async def rungs_of(pool: asyncpg.Pool, lease: Lease) -> list[PlannedRung]:
    """The rungs of a job that are not published yet, video first."""
    rows = await pool.fetch(_RUNGS, lease.media_id, list(lease.rungs))
    return [msgspec.convert(dict(row), PlannedRung) for row in rows]


async def measures_loudness(pool: asyncpg.Pool, lease: Lease) -> bool:
    """Whether this job is the one that measures the item's loudness."""
    return bool(await pool.fetchval(_MEASURES, lease.media_id, lease.source_version, lease.job_id))


async def source_objects(pool: asyncpg.Pool, media_id: UUID) -> list[tuple[str, str]]:
    """(bucket, key) of every source version of an item."""
    return [(row["bucket"], row["key"]) for row in await pool.fetch(_SOURCES, media_id)]
