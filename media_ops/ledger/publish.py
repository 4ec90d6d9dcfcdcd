"""Rows of what a job made, each written under the fence of its lease; existing ones are left alone.

What does not belong here: putting the objects (``media_ops.worker``), which always comes before the row.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from media_ops.ledger.leases import Lease, lost
from media_ops.output import Init, Loudness

_INIT = """
WITH fence AS (
    SELECT job_id FROM media_ops.job
    WHERE job_id = $1 AND lease_token = $2 AND state = 'running' AND $4 = ANY (rungs) FOR UPDATE),
written AS (
    UPDATE media_ops.rendition SET init_key = coalesce(init_key, $6), bucket = coalesce(bucket, $5),
           timescale = coalesce(timescale, $7), codec = CASE WHEN init_key IS NULL THEN $8 ELSE codec END,
           state = CASE WHEN state = 'queued' THEN 'running' ELSE state END
    WHERE media_id = $3 AND digest = $4 AND EXISTS (SELECT FROM fence))
SELECT count(*) FROM fence
"""

_SEGMENTS = """
WITH fence AS (
    SELECT job_id FROM media_ops.job
    WHERE job_id = $1 AND lease_token = $2 AND state = 'running' AND $4 = ANY (rungs) FOR UPDATE),
new AS (
    INSERT INTO media_ops.segment
        (media_id, digest, number, start_ticks, duration_ticks, bytes, bucket, key)
    SELECT $3, $4, n, s, d, b, $5, k
    FROM fence, unnest($6::integer[], $7::bigint[], $8::bigint[], $9::bigint[], $10::text[])
                AS x (n, s, d, b, k)
    ON CONFLICT DO NOTHING RETURNING number),
moved AS (
    UPDATE media_ops.job SET lost_leases = 0, progress = greatest(progress, $11)
    WHERE job_id = $1 AND EXISTS (SELECT FROM new)),
growing AS (  -- locked in order of version, as everywhere: two rungs are often in the same two versions
    SELECT version FROM media_ops.manifest
    WHERE media_id = $3 AND state = 'growing' AND $4 = ANY (rungs) AND EXISTS (SELECT FROM new)
    ORDER BY version FOR UPDATE),
dirty AS (
    UPDATE media_ops.manifest m SET revision = m.revision + 1, changed_at = now()
    FROM growing g WHERE m.media_id = $3 AND m.version = g.version)
SELECT (SELECT count(*) FROM fence) AS held, (SELECT count(*) FROM new) AS written
"""

_ART = """
INSERT INTO media_ops.art (media_id, name, source_version, content_type, width, height, bytes, bucket, key)
SELECT $3, $4, $5, $6, $7, $8, $9, $10, $11 FROM media_ops.job
WHERE job_id = $1 AND lease_token = $2 AND state = 'running' FOR UPDATE
ON CONFLICT (media_id, name, content_type) DO UPDATE
SET source_version = excluded.source_version, width = excluded.width, height = excluded.height,
    bytes = excluded.bytes, bucket = excluded.bucket, key = excluded.key
RETURNING name
"""

_LOUDNESS = """
UPDATE media_ops.source s SET loudness = $3
FROM media_ops.job j
WHERE j.job_id = $1 AND j.lease_token = $2 AND j.state = 'running'
  AND s.media_id = j.media_id AND s.version = j.source_version
"""

_KNOWN = "SELECT number FROM media_ops.segment WHERE media_id = $1 AND digest = $2 ORDER BY number"


class SegmentRow(msgspec.Struct, frozen=True, kw_only=True):
    """One segment that is in the store: times in ticks of its rendition's timescale, size in bytes."""

    number: int
    start_ticks: int
    duration_ticks: int
    bytes: int
    key: str


class ArtRow(msgspec.Struct, frozen=True, kw_only=True):
    """One picture that is in the store; width and height in pixels, size in bytes."""

    name: str
    content_type: str
    width: int
    height: int
    bytes: int
    key: str


async def publish_init(
    pool: asyncpg.Pool, lease: Lease, digest: str, init: Init, bucket: str, key: str
) -> None:
    """The rung's init segment is in the store; the rung runs. LeaseLostError."""
    held = await pool.fetchval(
        _INIT, lease.job_id, lease.token, lease.media_id, digest, bucket, key, init.timescale, init.codecs
    )
    if not held:
        raise lost(lease)


async def publish_segments(
    pool: asyncpg.Pool, lease: Lease, digest: str, bucket: str, rows: Sequence[SegmentRow], progress: float
) -> int:
    """Segments that are in the store, in order; gives how many were new. LeaseLostError, then none was."""
    columns: list[list[Any]] = [
        [getattr(row, name) for row in rows]
        for name in ("number", "start_ticks", "duration_ticks", "bytes", "key")
    ]
    answer = await pool.fetchrow(
        _SEGMENTS, lease.job_id, lease.token, lease.media_id, digest, bucket, *columns, progress
    )
    if not answer["held"]:
        raise lost(lease)
    return answer["written"]


async def publish_art(pool: asyncpg.Pool, lease: Lease, bucket: str, row: ArtRow) -> None:
    """A picture is in the store. LeaseLostError."""
    written = await pool.fetchval(
        _ART, lease.job_id, lease.token, lease.media_id, row.name, lease.source_version, row.content_type,
        row.width, row.height, row.bytes, bucket, row.key,
    )  # fmt: skip
    if written is None:
        raise lost(lease)


async def publish_loudness(pool: asyncpg.Pool, lease: Lease, loudness: Loudness) -> None:
    """The source's loudness; a lease that was lost writes nothing and learns it at its next write."""
    await pool.execute(_LOUDNESS, lease.job_id, lease.token, loudness)


async def known_segments(pool: asyncpg.Pool, media_id: UUID, digest: str) -> set[int]:
    """Numbers that are published already and are never written again."""
    return {row["number"] for row in await pool.fetch(_KNOWN, media_id, digest)}
