"""The one question of playback: may this caller play the item, and which manifest version is the newest."""

from dataclasses import dataclass
from uuid import UUID

import asyncpg

# Owner: always. Others: once the audience is decided, unless the item is private.
_PLAYABLE = """
SELECT a.media_id, p.duration_s, p.manifest_version, p.prefix, p.poster_key,
       p.manifest_state = 'growing' AS growing
FROM content.media_access a
LEFT JOIN media_ops.playable p ON p.media_id = a.media_id
WHERE a.media_id = $1
  AND (a.owner_id = $2 OR a.audience = 'public' AND a.visibility IN ('public', 'unlisted'))
"""


@dataclass(frozen=True, slots=True)
class Playable:
    """An item the caller may play; ``manifest_version`` is None while there is nothing to play yet."""

    media_id: UUID
    duration_s: float | None
    manifest_version: int | None
    prefix: str | None
    poster_key: str | None
    growing: bool | None


async def playable(pool: asyncpg.Pool, media_id: UUID, viewer_id: UUID | None) -> Playable | None:
    """The item, or None where there is none that the caller may see."""
    row = await pool.fetchrow(_PLAYABLE, media_id, viewer_id)
    return row and Playable(*row)
