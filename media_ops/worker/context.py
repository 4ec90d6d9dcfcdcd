"""What every part of a worker shares, and how it waits out a database that is away."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import asyncpg
import structlog

from mcsp.presign import Presigner
from mcsp.s3 import ObjectStore
from mcsp.settings import Settings

log = structlog.get_logger()

T = TypeVar("T")

DATABASE_AWAY = (
    asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.OperatorInterventionError,
    asyncpg.CannotConnectNowError, asyncpg.InsufficientResourcesError, asyncpg.PostgresSystemError,
    asyncpg.TransactionRollbackError, asyncpg.ReadOnlySQLTransactionError, asyncpg.LockNotAvailableError,
    OSError, TimeoutError,
)  # fmt: skip
"""What asyncpg raises while PostgreSQL restarts, cannot be reached, or cannot do now what it can do later:
too many connections, no memory or disk (SQLSTATE 53, 58), deadlocks (40), a standby not yet promoted."""
PATIENCE_S = (0.1, 0.2, 0.5, 1.0)
"""Seconds between tries; the last one again and again."""


@dataclass
class WorkerContext:
    """The shared clients of one worker process. ``name`` is what its leases carry.

    ``heartbeats``: connections for leases alone, so that no lease runs out because other work has all of
    ``pool``.
    """

    name: str
    settings: Settings
    pool: asyncpg.Pool
    heartbeats: asyncpg.Pool
    store: ObjectStore
    presigner: Presigner
    scratch: Path
    wakes: list[asyncio.Event] = field(default_factory=list)
    """One for each slot, which registers its own."""
    players: list[Callable[[UUID], None]] = field(default_factory=list)
    """What each slot does when an item plays."""

    def wake(self) -> None:
        """Have every slot look into the ledger now."""
        for event in self.wakes:
            event.set()

    def plays(self, media_id: UUID) -> None:
        """Tell every slot that the item plays."""
        for told in self.players:
            told(media_id)

    @property
    def bucket(self) -> str:
        return self.settings.s3.bucket_media


async def patiently(call: Callable[[], Awaitable[T]]) -> T:
    """``call``, repeated while the database is away; whoever cannot wait for ever cancels it.

    The call must be safe to repeat: the first one may have been committed before its answer was lost.
    """
    tried = 0
    while True:
        try:
            return await call()
        except DATABASE_AWAY as error:
            pause = PATIENCE_S[min(tried, len(PATIENCE_S) - 1)]
            log.warning("database away", error=f"{type(error).__name__}: {error}", again_in_s=pause)
            tried += 1
        await asyncio.sleep(pause)
