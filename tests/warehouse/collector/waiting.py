"""Waiting until a store has what was sent, or until a collector says something of itself."""

import asyncio
from collections.abc import Callable

import httpx
from clickhouse_connect.driver.exceptions import ClickHouseError
from deltalake.exceptions import DeltaError

from tests.warehouse.collector.sending import Row, Sent

WITHIN_S = 90


async def until_equal(found: Callable[[], list[Row]], wanted: list[Row]) -> None:
    """Wait until exactly ``wanted`` is found; fails with what is missing and what is too much."""
    rows: list[Row] = []
    try:
        async with asyncio.timeout(WITHIN_S):
            while (rows := await _ask(found)) != sorted(wanted):  # noqa: ASYNC110 -- another process's rows
                await asyncio.sleep(0.2)
    except TimeoutError:
        missing, extra = set(wanted) - set(rows), set(rows) - set(wanted)
        raise AssertionError(f"missing {len(missing)}, extra {len(extra)}, found {len(rows)}") from None


async def until_more(found: Callable[[], list[Row]], count: int) -> None:
    """Wait until more than ``count`` rows are found."""
    async with asyncio.timeout(WITHIN_S):
        while len(await _ask(found)) <= count:  # noqa: ASYNC110 -- another process's rows
            await asyncio.sleep(0.05)


async def _ask(found: Callable[[], list[Row]]) -> list[Row]:
    try:
        return await asyncio.to_thread(found)
    except (ClickHouseError, DeltaError, OSError):
        return []  # a server that is away, or a table that nobody has made yet: asked again


async def assert_both_equal(sent: Sent) -> None:
    """Both stores have exactly what was sent."""
    await until_equal(sent.in_clickhouse, sent.rows)
    await until_equal(sent.in_lake, sent.rows)


async def readiness(url: str) -> dict[str, dict[str, str]]:
    """The dependencies of ``/readyz`` by name."""
    async with httpx.AsyncClient() as client:
        return (await client.get(f"{url}/readyz")).json()["dependencies"]


async def until_held_up(url: str, lane: str, reason: str = "") -> None:
    """Wait until a lane says that it is held up, by ``reason``."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            told = (await readiness(url))[lane]
            if told["state"] == "down" and reason in told["error"]:
                return
            await asyncio.sleep(0.2)
