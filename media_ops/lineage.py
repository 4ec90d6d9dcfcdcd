"""What was made of what, by the hour in which the source arrived: numbers, examples, and the kept record.

Reads the three lineage views alone and writes through ``media_ops.record_lineage``; both are granted to
the role ``pipelines``. What does not belong here: making an hour whole (``whole``) and judging it
(``integrity``).
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

import asyncpg
import msgspec

from mcsp.database.pool import Connection

Stage = Literal["sources", "renditions", "packages"]
STAGES: tuple[Stage, ...] = ("sources", "renditions", "packages")


class Example(msgspec.Struct, frozen=True):
    """One row of an hour as a person would look it up."""

    media_id: UUID
    name: str
    state: str
    media_s: float | None
    bytes: int | None


class Numbers(msgspec.Struct, frozen=True, kw_only=True):
    """An hour of one stage in numbers. Seconds of media, bytes in the store, seconds to first playable."""

    items: int
    finished: int
    failed: int
    media_s: float
    bytes: int
    first_playable_p50_s: float | None
    first_playable_max_s: float | None
    examples: tuple[Example, ...]


def hour_of(moment: datetime) -> datetime:
    """The UTC hour a moment lies in: the partition of everything that was made of a source completed then."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def end_of(hour: datetime) -> datetime:
    """The first moment after an hour."""
    return hour + timedelta(hours=1)


_FIRST_PLAYABLE = """
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM playable_at - completed_at))
           AS first_playable_p50_s,
       max(extract(epoch FROM playable_at - completed_at))::double precision AS first_playable_max_s
FROM media_ops.source_lineage
WHERE completed_at >= $1 AND completed_at < $2 AND state <> 'deleted'
"""

_NUMBERS: dict[Stage, str] = {
    "sources": """
        SELECT count(*) AS items,
               count(*) FILTER (WHERE s.inspected_at IS NOT NULL AND s.failure IS NULL) AS finished,
               count(*) FILTER (WHERE s.state IN ('failed', 'rejected')) AS failed,
               coalesce(sum(s.duration_s), 0)::double precision AS media_s,
               coalesce(sum(s.size_bytes), 0)::bigint AS bytes
        FROM media_ops.source_lineage s
        WHERE s.completed_at >= $1 AND s.completed_at < $2 AND s.state <> 'deleted'
    """,
    "renditions": """
        SELECT count(*) AS items,
               count(*) FILTER (WHERE r.state = 'published') AS finished,
               count(*) FILTER (WHERE r.state = 'failed') AS failed,
               coalesce(sum(r.media_s), 0)::double precision AS media_s,
               coalesce(sum(r.bytes), 0)::bigint AS bytes
        FROM media_ops.rendition_lineage r
        JOIN media_ops.source_lineage s USING (media_id, source_version)
        WHERE r.completed_at >= $1 AND r.completed_at < $2 AND r.state <> 'superseded'
          AND s.state <> 'deleted'
    """,
    "packages": """
        SELECT count(*) AS items,
               count(*) FILTER (WHERE p.state = 'finished') AS finished,
               count(*) FILTER (WHERE s.state IN ('failed', 'rejected')) AS failed,
               coalesce(sum(s.duration_s), 0)::double precision AS media_s,
               coalesce(sum(p.bytes), 0)::bigint AS bytes
        FROM (SELECT DISTINCT ON (media_id) * FROM media_ops.package_lineage
               WHERE completed_at >= $1 AND completed_at < $2
               ORDER BY media_id, manifest_version DESC) p
        JOIN media_ops.source_lineage s USING (media_id, source_version)
        WHERE s.state <> 'deleted'
    """,
}

_EXAMPLES: dict[Stage, str] = {
    "sources": """
        SELECT media_id, filename AS name, state, duration_s AS media_s, size_bytes AS bytes
        FROM media_ops.source_lineage
        WHERE completed_at >= $1 AND completed_at < $2 AND state <> 'deleted'
        ORDER BY (failure IS NULL), completed_at DESC LIMIT $3
    """,
    "renditions": """
        SELECT r.media_id, r.name, r.state, r.media_s, r.bytes
        FROM media_ops.rendition_lineage r
        JOIN media_ops.source_lineage s USING (media_id, source_version)
        WHERE r.completed_at >= $1 AND r.completed_at < $2 AND r.state <> 'superseded'
          AND s.state <> 'deleted'
        ORDER BY (r.state = 'published'), r.completed_at DESC, r.media_id, r.bitrate LIMIT $3
    """,
    "packages": """
        SELECT DISTINCT ON (p.media_id) p.media_id, s.filename || ' m' || p.manifest_version AS name,
               p.state, s.duration_s AS media_s, p.bytes
        FROM media_ops.package_lineage p JOIN media_ops.source_lineage s USING (media_id, source_version)
        WHERE p.completed_at >= $1 AND p.completed_at < $2 AND s.state <> 'deleted'
        ORDER BY p.media_id DESC, p.manifest_version DESC LIMIT $3
    """,
}


async def numbers_of(connection: Connection, stage: Stage, hour: datetime, *, examples: int = 20) -> Numbers:
    """The numbers of one hour of one stage, with at most ``examples`` rows, failed ones first."""
    counted = await connection.fetchrow(_NUMBERS[stage], hour, end_of(hour))
    playable = await connection.fetchrow(_FIRST_PLAYABLE, hour, end_of(hour))
    rows = await connection.fetch(_EXAMPLES[stage], hour, end_of(hour), examples)
    return Numbers(
        **dict(counted or {}), **dict(playable or {}), examples=tuple(Example(**dict(row)) for row in rows)
    )


_RECORD = "SELECT media_ops.record_lineage($1, $2, $3)"


async def record(connection: Connection, stage: Stage, hour: datetime, *, run_id: str | None = None) -> int:
    """Bring the kept lineage rows of an hour up to date; gives how many rows are new or changed.

    ``run_id`` names the Dagster run that did it; None where workers had done it in the normal course.
    """
    return int(await connection.fetchval(_RECORD, stage, hour, run_id) or 0)


_INPUTS = """
SELECT asset, output, inputs, recipe, state, partition_at, run_id
FROM media_ops.item_lineage WHERE media_id = $1 ORDER BY recorded_at, asset, output
"""


async def lineage_of(connection: Connection, media_id: UUID) -> Sequence[asyncpg.Record]:
    """Everything recorded of one item, in the order in which it was first seen."""
    return await connection.fetch(_INPUTS, media_id)
