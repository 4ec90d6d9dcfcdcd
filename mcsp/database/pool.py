"""asyncpg pools, one a role, with msgspec for JSON columns."""

from typing import Any, TypeAlias

import asyncpg
import msgspec
from asyncpg.pool import PoolAcquireContext, PoolConnectionProxy

Connection: TypeAlias = asyncpg.Connection | PoolConnectionProxy
"""A connection of one's own or one lent by a pool: what functions that run SQL take."""


async def _prepare(connection: asyncpg.Connection) -> None:
    for kind in ("json", "jsonb"):
        await connection.set_type_codec(
            kind, encoder=_encode_json, decoder=msgspec.json.decode, schema="pg_catalog", format="text"
        )


def _encode_json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


async def _leave(_connection: Connection) -> None:
    """Give a connection back as it is."""


class _BoundedPool(asyncpg.Pool):
    """A pool where nobody waits for a connection for ever, however it is asked for one."""

    def __init__(self, dsn: str, *, acquire_s: float | None, **options: Any) -> None:
        super().__init__(
            dsn,
            max_queries=50_000,
            max_inactive_connection_lifetime=300.0,
            loop=None,
            connection_class=asyncpg.Connection,
            record_class=asyncpg.Record,
            **options,
        )
        self._acquire_s = acquire_s

    def acquire(self, *, timeout: float | None = None) -> PoolAcquireContext:
        return super().acquire(timeout=self._acquire_s if timeout is None else timeout)


async def open_pool(
    dsn: str,
    *,
    name: str,
    min_size: int = 1,
    max_size: int = 10,
    stateless: bool = False,
    acquire_s: float | None = None,
) -> asyncpg.Pool:
    """A pool whose ``json``/``jsonb`` columns take and give what msgspec encodes and decodes.

    ``name`` is shown as ``application_name`` in ``pg_stat_activity``. ``stateless``: whoever uses the pool
    only asks single questions (no session settings, locks or cursors), so connections are given back without
    the second question to the server that would reset them. ``acquire_s``: seconds after which waiting for
    a free connection ends in TimeoutError (default: never). Raises what asyncpg raises when the server
    cannot be reached.
    """
    return await _BoundedPool(
        dsn,
        acquire_s=acquire_s,
        min_size=min_size,
        max_size=max_size,
        init=_prepare,
        reset=_leave if stateless else None,
        command_timeout=15,
        server_settings={"application_name": name, "timezone": "UTC"},
    )
