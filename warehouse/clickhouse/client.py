"""A client of ClickHouse for this process. What does not belong here: statements."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import clickhouse_connect
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.exceptions import ClickHouseError

from mcsp.errors import UnavailableError

TIMEOUT_S = 15


@asynccontextmanager
async def open_client(url: str) -> AsyncIterator[AsyncClient]:
    """A client of the server at ``url`` (``http://user:password@host:port``) while the block runs.

    Raises UnavailableError when it does not answer.
    """
    try:
        client = await clickhouse_connect.get_async_client(
            dsn=url, autogenerate_session_id=False, connect_timeout=5, send_receive_timeout=TIMEOUT_S
        )
    except (ClickHouseError, OSError) as error:
        raise UnavailableError("clickhouse_down", f"ClickHouse does not answer: {error}") from error
    try:
        yield client
    finally:
        await client.close()
