"""What a process opens once and shares: pools by role, object store, cache, presigner; closed together.

A service, worker or sweep asks for what it needs; nothing is opened that nobody asks for.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cached_property

import asyncpg

from mcsp.cache import Cache
from mcsp.database.pool import open_pool
from mcsp.health import Check, postgres_check
from mcsp.presign import Presigner
from mcsp.s3 import ObjectStore, open_store
from mcsp.settings import Settings


@dataclass
class Resources:
    """The shared clients of one process; ``name`` is shown to the servers."""

    name: str
    settings: Settings
    _stack: AsyncExitStack
    acquire_s: float | None = None
    _pools: dict[str, asyncpg.Pool] = field(default_factory=dict)
    _store: ObjectStore | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def pool(
        self, role: str, *, max_size: int = 10, stateless: bool = False, purpose: str = ""
    ) -> asyncpg.Pool:
        """The pool of a database role. It connects when used: a database that is down stops no start.

        ``stateless``: see ``mcsp.database.pool.open_pool``; the first caller decides. With ``purpose`` it is
        a pool beside the role's common one, for what must get a connection however busy that one is.
        """
        name = f"{role}/{purpose}" if purpose else role
        async with self._lock:
            if name not in self._pools:
                pool = await open_pool(
                    self.settings.dsn_of(role),
                    name=f"{self.name}/{name}",
                    min_size=0,
                    max_size=max_size,
                    stateless=stateless,
                    acquire_s=self.acquire_s,
                )
                self._stack.callback(pool.terminate)
                self._pools[name] = pool
            return self._pools[name]

    async def store(self) -> ObjectStore:
        """The object store."""
        async with self._lock:
            if self._store is None:
                self._store = await self._stack.enter_async_context(open_store(self.settings.s3))
            return self._store

    @cached_property
    def cache(self) -> Cache:
        """Valkey; every use needs a fallback."""
        options = self.settings
        cache = Cache(options.valkey_url, name=self.name, cluster=options.valkey_cluster)
        self._stack.push_async_callback(cache.close)
        return cache

    @cached_property
    def presigner(self) -> Presigner:
        """Presigned addresses of the object store."""
        return Presigner(self.settings.s3)

    async def checks(self) -> list[Check]:
        """A readiness check for each thing that was opened so far."""
        found = [postgres_check(f"postgres:{name}", pool) for name, pool in self._pools.items()]
        if (store := self._store) is not None:
            # The source bucket: every identity that has a store may read it; uploads' knows no other.
            found.append(Check("s3", lambda: store.check(self.settings.s3.bucket_source)))
        if "cache" in self.__dict__:
            found.append(Check("valkey", self.cache.check, required=False))
        return found


@asynccontextmanager
async def open_resources(
    name: str, settings: Settings, *, acquire_s: float | None = None
) -> AsyncIterator[Resources]:
    """The resources of a process while the block runs; ``acquire_s``: see ``open_pool``."""
    async with AsyncExitStack() as stack:
        yield Resources(name, settings, stack, acquire_s)
