"""What the creators service opens and its routes share."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from mcsp.resources import Resources
from streaming_api.creators.reader import Reader
from streaming_api.play_sessions import SessionKeys


@dataclass(frozen=True)
class Creators:
    """Items and receipts, rows of events, the keys of pseudonyms. ``clock``: Unix seconds."""

    pool: asyncpg.Pool
    reader: Reader
    sessions: SessionKeys
    clock: Callable[[], float] = time.time


@asynccontextmanager
async def open_creators(resources: Resources) -> AsyncIterator[Creators]:
    """The service's state while the process runs."""
    options = resources.settings
    reader = Reader(options.clickhouse_url)
    try:
        yield Creators(
            pool=await resources.pool("creators"),
            reader=reader,
            sessions=SessionKeys(options.play_session_key.get_secret_value()),
        )
    finally:
        await reader.close()
