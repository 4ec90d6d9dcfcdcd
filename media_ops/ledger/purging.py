"""Rows of a deleted item go when its objects have gone; the source row stays as a tombstone without names."""

from uuid import UUID

import asyncpg

from media_ops.ledger.transaction import item_transaction

_PURGE = (
    "DELETE FROM media_ops.rendition WHERE media_id = $1",
    "DELETE FROM media_ops.manifest WHERE media_id = $1",
    "DELETE FROM media_ops.art WHERE media_id = $1",
    "UPDATE media_ops.source SET filename = '', description = NULL WHERE media_id = $1",
)


async def forget_item(pool: asyncpg.Pool, media_id: UUID) -> None:
    """Drop what rows said of a deleted item's media (segments go with their renditions)."""
    async with item_transaction(pool, media_id) as connection:
        for statement in _PURGE:
            await connection.execute(statement, media_id)
