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

from mcsp.database.pool import Connection
from mcsp.telemetry.traces import outgoing

# With the lock, in one round trip: what the transaction puts (jobs, messages) carries our trace.
_LOCK = "SELECT media_ops.lock_item($1) FROM set_config('mcsp.trace', $2::jsonb::text, true)"


@asynccontextmanager
async def item_transaction(pool: asyncpg.Pool, media_id: UUID) -> AsyncIterator[Any]:
    """A connection in a transaction that holds the item's lock until its end."""
    async with pool.acquire() as connection, connection.transaction():
        await lock_item(connection, media_id)
        yield connection


async def lock_item(connection: Connection, media_id: UUID) -> None:
    """Take the item's lock in the caller's transaction, which belongs to the current trace from then on."""
    await connection.execute(_LOCK, media_id, outgoing())
