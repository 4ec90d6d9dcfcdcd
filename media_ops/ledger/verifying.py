"""Finished versions whose objects nobody has looked at since they were rendered, and what a look came to.

What does not belong here: the look itself (``media_ops.worker.verifying``).
"""

from uuid import UUID

import asyncpg
import msgspec

from mcsp.database.pool import Connection
from media_ops.ledger.rendering import ManifestRow
from media_ops.ledger.transaction import lock_item

_ITEMS = """
SELECT DISTINCT m.media_id FROM media_ops.manifest m
JOIN media_ops.source s ON s.media_id = m.media_id AND s.version = m.source_version AND s.state <> 'deleted'
WHERE m.state = 'finished' AND m.revision = m.rendered_revision AND m.verified_at IS NULL
  AND m.rendered_at < now() - make_interval(secs => $1)
LIMIT $2
"""

_VERSIONS = """
SELECT m.version, m.rungs, m.state, m.target_duration_s, m.bucket, m.prefix, m.revision, m.rendered_revision,
       m.created_at, s.duration_s
FROM media_ops.manifest m
JOIN media_ops.source s ON s.media_id = m.media_id AND s.version = m.source_version AND s.state <> 'deleted'
WHERE m.media_id = $1 AND m.state = 'finished' AND m.revision = m.rendered_revision AND m.verified_at IS NULL
  AND m.rendered_at < now() - make_interval(secs => $2)
ORDER BY m.version
"""

_VERIFIED = """
UPDATE media_ops.manifest SET verified_at = now()
WHERE media_id = $1 AND version = $2 AND revision = $3 AND rendered_revision = $3
"""

_AGAIN = """
UPDATE media_ops.manifest SET revision = revision + 1, changed_at = now()
WHERE media_id = $1 AND version = $2 AND revision = $3
"""


async def unverified_items(pool: asyncpg.Pool, older_than_s: float, *, most: int) -> list[UUID]:
    """At most ``most`` items with finished versions that were rendered so long ago, and not looked at."""
    return [row["media_id"] for row in await pool.fetch(_ITEMS, older_than_s, most)]


async def unverified(connection: Connection, media_id: UUID, older_than_s: float) -> list[ManifestRow]:
    """The item's versions to look at; the caller holds its render lock."""
    rows = await connection.fetch(_VERSIONS, media_id, older_than_s)
    return [msgspec.convert(dict(row), ManifestRow) for row in rows]


async def verified(connection: Connection, media_id: UUID, manifest: ManifestRow, *, shown: bool) -> None:
    """Record the look; a version whose objects are not what its rows say is stale again."""
    await lock_item(connection, media_id)
    await connection.execute(_VERIFIED if shown else _AGAIN, media_id, manifest.version, manifest.revision)
