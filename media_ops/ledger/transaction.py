"""One transaction on one item: its lock first, then rows. Every writer of the ledger begins here."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg

LOCK = "SELECT media_ops.lock_item($1)"


@asynccontextmanager
async def item_transaction(pool: asyncpg.Pool, media_id: UUID) -> AsyncIterator[Any]:
    """A connection in a transaction that holds the item's lock until its end."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(LOCK, media_id)
        yield connection
