"""One transaction on one item: its lock first, then rows. What changes more than its own job begins here.

Without the lock write: leases and heartbeats (one job's row), a job's own rows under the fence of its lease
(``publish``: job, then rendition, segments, manifests by version) and sweeps that skip what is locked. Where
their order and this one's cross, PostgreSQL ends one of the two as a deadlock, and workers try it again.
"""

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
