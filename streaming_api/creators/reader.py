"""The connection to ClickHouse as user ``creators``, who may only read. It connects when it is first asked.

Fallback: none yet; while ClickHouse is away there are no numbers, which is 503 with the reason. What does
not belong here: the questions (``warehouse.views``).
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import clickhouse_connect
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.exceptions import OperationalError

from mcsp.errors import UnavailableError

CONNECT_S, ANSWER_S = 2, 10

_AWAY = (OperationalError, aiohttp.ClientError, OSError, TimeoutError)


@dataclass
class Reader:
    """Asks the server at ``url`` (``http://user:password@host:port``)."""

    url: str
    _client: AsyncClient | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def rows(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Sequence[Sequence[Any]]:
        """The rows of a question. Raises UnavailableError while the server does not answer."""
        try:
            client = await self._connected()
            return (await client.query(sql, parameters=dict(parameters or {}))).result_rows
        except _AWAY as error:
            raise UnavailableError(
                "numbers_unavailable",
                "The numbers cannot be read right now: their database does not answer.",
                action="Plays are still being noted. Try again in a minute.",
                log=f"{type(error).__name__}: {error}",
            ) from error

    async def check(self) -> None:
        """Readiness: the server answers."""
        await self.rows("SELECT 1")

    async def close(self) -> None:
        """Close the connection."""
        if self._client is not None:
            await self._client.close()

    async def _connected(self) -> AsyncClient:
        async with self._lock:
            if self._client is None:
                self._client = await clickhouse_connect.get_async_client(
                    dsn=self.url,
                    autogenerate_session_id=False,
                    connect_timeout=CONNECT_S,
                    send_receive_timeout=ANSWER_S,
                )
            return self._client
