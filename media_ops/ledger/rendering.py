"""What a manifest render reads, and the record that its objects are in the store.

One renderer an item at a time (an advisory lock of its own, never waited for): a version's revision is
read before its rows, so what is recorded is never newer than what was rendered. What does not belong
here: texts of manifests (``media_ops.manifests``) and putting them (``media_ops.worker.publisher``).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import msgspec

from mcsp.database.pool import Connection
from media_ops.ledger.settle import Advance, advance
from media_ops.ledger.transaction import LOCK

_TRY_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended($1::text, 2))"

_STALE = """
SELECT m.version, m.rungs, m.state, m.target_duration_s, m.bucket, m.prefix, m.revision, m.rendered_revision
FROM media_ops.manifest m
JOIN media_ops.source s ON s.media_id = m.media_id AND s.version = m.source_version AND s.state <> 'deleted'
WHERE m.media_id = $1 AND m.revision > m.rendered_revision ORDER BY m.version
"""

_RENDITIONS = """
SELECT digest, name, kind, codec, width, height, frame_rate, channels, sample_rate, bitrate, peak_bitrate,
       timescale, state
FROM media_ops.rendition WHERE media_id = $1 AND digest = ANY ($2) ORDER BY kind DESC, bitrate
"""

_SEGMENTS = """
SELECT digest, number, start_ticks, duration_ticks, bytes
FROM media_ops.segment WHERE media_id = $1 AND digest = ANY ($2) ORDER BY digest, number
"""

_SOURCE = """
SELECT completed_at, duration_s FROM media_ops.current_source WHERE media_id = $1
"""

_RENDERED = """
UPDATE media_ops.manifest SET rendered_revision = $3, rendered_at = now()
WHERE media_id = $1 AND version = $2 AND rendered_revision < $3
"""

_ANY_STALE = """
SELECT DISTINCT m.media_id FROM media_ops.manifest m
JOIN media_ops.source s ON s.media_id = m.media_id AND s.version = m.source_version AND s.state <> 'deleted'
WHERE m.revision > m.rendered_revision AND m.changed_at < now() - make_interval(secs => $1)
LIMIT 100
"""


class StaleManifest(msgspec.Struct, frozen=True, kw_only=True):
    """A manifest version whose objects do not show its rows yet."""

    version: int
    rungs: list[str]
    state: str
    target_duration_s: int
    bucket: str
    prefix: str
    revision: int
    rendered_revision: int


class RenditionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A rung as manifests name it; bitrates in bits per second, ``timescale`` in ticks per second."""

    digest: str
    name: str
    kind: str
    codec: str
    width: int | None
    height: int | None
    frame_rate: str | None
    channels: int | None
    sample_rate: int | None
    bitrate: int
    peak_bitrate: int | None
    timescale: int | None
    state: str


class SegmentTimes(msgspec.Struct, frozen=True, kw_only=True):
    """A segment as manifests name it: times in ticks of its rendition, size in bytes."""

    digest: str
    number: int
    start_ticks: int
    duration_ticks: int
    bytes: int


@asynccontextmanager
async def render_lock(pool: asyncpg.Pool, media_id: UUID) -> AsyncIterator[Connection | None]:
    """A transaction in which we alone render the item; None while someone else does."""
    async with pool.acquire() as connection, connection.transaction():
        yield connection if await connection.fetchval(_TRY_LOCK, str(media_id)) else None


async def stale_manifests(connection: Connection, media_id: UUID) -> list[StaleManifest]:
    """Versions to render; read before the rows they show."""
    return [msgspec.convert(dict(row), StaleManifest) for row in await connection.fetch(_STALE, media_id)]


async def renditions(connection: Connection, media_id: UUID, digests: list[str]) -> list[RenditionRow]:
    """The rungs of a version, video first, small to large."""
    rows = await connection.fetch(_RENDITIONS, media_id, digests)
    return [msgspec.convert(dict(row), RenditionRow) for row in rows]


async def segments(
    connection: Connection, media_id: UUID, digests: list[str]
) -> dict[str, list[SegmentTimes]]:
    """Published segments in order, by rung; a rung without any has an empty list."""
    found: dict[str, list[SegmentTimes]] = {digest: [] for digest in digests}
    for row in await connection.fetch(_SEGMENTS, media_id, digests):
        found[row["digest"]].append(msgspec.convert(dict(row), SegmentTimes))
    return found


async def rendered(connection: Connection, media_id: UUID, manifests: list[StaleManifest]) -> Advance:
    """Record what is in the store now; the item moves on to playable or ready when it is."""
    await connection.execute(LOCK, media_id)
    for manifest in manifests:
        await connection.execute(_RENDERED, media_id, manifest.version, manifest.revision)
    return await advance(connection, media_id)


async def stale_items(pool: asyncpg.Pool, older_than_s: float) -> list[UUID]:
    """Items whose manifests have been stale for so long that their renderer must be gone."""
    return [row["media_id"] for row in await pool.fetch(_ANY_STALE, older_than_s)]
