"""What goes: rows of a deleted item after its objects, and objects that a rung left when it was given up.

The source row of a deleted item stays as a tombstone without names. What does not belong here: which
objects there are (the worker asks the store).
"""

from collections.abc import Awaitable, Callable
from uuid import UUID

import asyncpg

from media_ops.ledger.transaction import item_transaction

_PURGE = (
    "DELETE FROM media_ops.rendition WHERE media_id = $1",
    "DELETE FROM media_ops.manifest WHERE media_id = $1",
    "DELETE FROM media_ops.art WHERE media_id = $1",
    "UPDATE media_ops.source SET filename = '', description = NULL WHERE media_id = $1",
)


_GIVEN_UP = """
SELECT state IN ('failed', 'superseded') FROM media_ops.rendition WHERE media_id = $1 AND digest = $2
"""

_OBJECTS = """
SELECT init_key AS key FROM media_ops.rendition
    WHERE media_id = $1 AND digest = $2 AND init_key IS NOT NULL
UNION ALL SELECT key FROM media_ops.segment WHERE media_id = $1 AND digest = $2
"""


async def prune(
    pool: asyncpg.Pool, media_id: UUID, digest: str, clear: Callable[[set[str]], Awaitable[None]]
) -> bool:
    """Have ``clear`` delete a rung's objects beside those named to it; False for a rung that lives.

    The item's lock is held until ``clear`` is through: whoever makes the rung again waits for it, and so
    never takes for stored what is about to be deleted. Repeating does no harm.
    """
    async with item_transaction(pool, media_id) as connection:
        if not await connection.fetchval(_GIVEN_UP, media_id, digest):
            return False
        await clear({row["key"] for row in await connection.fetch(_OBJECTS, media_id, digest)})
        return True


async def forget_item(pool: asyncpg.Pool, media_id: UUID) -> None:
    """Drop what rows said of a deleted item's media (segments go with their renditions)."""
    async with item_transaction(pool, media_id) as connection:
        for statement in _PURGE:
            await connection.execute(statement, media_id)
