"""What a manifest render reads, and the record that its objects are in the store.

One renderer an item at a time (an advisory lock of its own, never waited for): a version's revision is
read before its rows, so what is recorded is never newer than what was rendered. The lock ends with its
connection, which a put to the store may outlive: the renderer replaces only objects that it has seen. What
does not belong here: texts of manifests (``media_ops.manifests``) and putting them
(``media_ops.worker.rendering``).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from mcsp.database.pool import Connection
from media_ops.languages import language_tag
from media_ops.ledger.settle import Advance, advance
from media_ops.ledger.transaction import lock_item
from media_ops.manifests.rows import RenditionRow, SegmentRow

_TRY_LOCK = "SELECT pg_try_advisory_xact_lock(hashtextextended($1::text, 2))"

_STALE = """
SELECT m.version, m.rungs, m.state, m.target_duration_s, m.bucket, m.prefix, m.revision, m.rendered_revision,
       m.created_at, s.duration_s
FROM media_ops.manifest m
JOIN media_ops.source s ON s.media_id = m.media_id AND s.version = m.source_version AND s.state <> 'deleted'
WHERE m.media_id = $1 AND m.revision > m.rendered_revision ORDER BY m.version
"""

_RENDITIONS = """
SELECT r.digest, r.name, r.kind, r.codec AS codecs, r.width, r.height, r.frame_rate, r.channels,
       r.sample_rate, r.bitrate, r.timescale,
       (SELECT a ->> 'language' FROM media_ops.source s, jsonb_array_elements(s.description -> 'audio') a
         WHERE s.media_id = r.media_id AND s.version = r.source_version AND r.kind = 'audio'
           AND a -> 'index' = r.rung -> 'stream') AS language
FROM media_ops.rendition r
WHERE r.media_id = $1 AND r.digest = ANY ($2) AND r.timescale IS NOT NULL
ORDER BY r.kind DESC, r.bitrate
"""

_SEGMENTS = """
SELECT digest, number, start_ticks, duration_ticks, bytes
FROM media_ops.segment WHERE media_id = $1 AND digest = ANY ($2) ORDER BY digest, number
"""

_RENDERED = """
UPDATE media_ops.manifest SET rendered_revision = $3, rendered_at = now(), verified_at = NULL
WHERE media_id = $1 AND version = $2 AND rendered_revision < $3
"""

_ANY_STALE = """
SELECT DISTINCT m.media_id FROM media_ops.manifest m
JOIN media_ops.source s ON s.media_id = m.media_id AND s.version = m.source_version AND s.state <> 'deleted'
WHERE m.revision > m.rendered_revision AND m.changed_at < now() - make_interval(secs => $1)
LIMIT 100
"""


class ManifestRow(msgspec.Struct, frozen=True, kw_only=True):
    """A manifest version, and how far its objects show its rows."""

    version: int
    rungs: list[str]
    state: str
    target_duration_s: int
    bucket: str
    prefix: str
    revision: int
    rendered_revision: int
    created_at: datetime
    duration_s: float | None
    """Of the item, in seconds: what its source claims, until a rung is published."""

    @property
    def finished(self) -> bool:
        return self.state == "finished"


@asynccontextmanager
async def render_lock(pool: asyncpg.Pool, media_id: UUID) -> AsyncIterator[Connection | None]:
    """A transaction in which we alone render the item; None while someone else does."""
    async with pool.acquire() as connection, connection.transaction():
        yield connection if await connection.fetchval(_TRY_LOCK, str(media_id)) else None


async def stale_manifests(connection: Connection, media_id: UUID) -> list[ManifestRow]:
    """Versions to render; read before the rows they show."""
    return [msgspec.convert(dict(row), ManifestRow) for row in await connection.fetch(_STALE, media_id)]


async def renditions(connection: Connection, media_id: UUID, digests: list[str]) -> tuple[RenditionRow, ...]:
    """The rungs of a version with the segments published so far."""
    parts: dict[str, list[SegmentRow]] = {digest: [] for digest in digests}
    for row in await connection.fetch(_SEGMENTS, media_id, digests):
        parts[row["digest"]].append(SegmentRow(*list(row)[1:]))
    return tuple(
        RenditionRow(
            **{**dict(row), "language": language_tag(row["language"])}, segments=tuple(parts[row["digest"]])
        )
        for row in await connection.fetch(_RENDITIONS, media_id, digests)
    )


async def rendered(connection: Connection, media_id: UUID, manifests: list[ManifestRow]) -> Advance:
    """Record what is in the store now; the item moves on to playable or ready when it is."""
    await lock_item(connection, media_id)
    for manifest in manifests:
        await connection.execute(_RENDERED, media_id, manifest.version, manifest.revision)
    return await advance(connection, media_id)


async def stale_items(pool: asyncpg.Pool, older_than_s: float) -> list[UUID]:
    """Items whose manifests have been stale for so long that their renderer must be gone."""
    return [row["media_id"] for row in await pool.fetch(_ANY_STALE, older_than_s)]
