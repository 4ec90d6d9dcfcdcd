"""The store of the fast lane: ClickHouse. A repeat makes rows twice, which no number minds."""

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime

import pyarrow as pa
from aiohttp import ClientError
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.exceptions import ClickHouseError

from mcsp.errors import UnavailableError
from warehouse.clickhouse.client import open_client
from warehouse.collector.batch import Batch
from warehouse.collector.columns import for_clickhouse

_POSITIONS = """
SELECT partition, max(next_offset) FROM mcsp.progress
WHERE topic = {topic:String} AND partition IN {partitions:Array(UInt16)} GROUP BY partition
"""
_PROGRESS = pa.schema(
    {"topic": pa.string(), "partition": pa.uint16(), "next_offset": pa.uint64(),
     "up_to": pa.timestamp("us", "UTC")}
)  # fmt: skip


class Fast:
    """``mcsp.events`` and, after each insert, ``mcsp.progress``."""

    name, linger_s, most_rows = "clickhouse", 0.4, 20_000

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def positions(self, topic: str, partitions: Iterable[int]) -> dict[int, int]:
        """See ``Store``."""
        with _told():
            answer = await self._client.query(
                _POSITIONS, parameters={"topic": topic, "partitions": list(partitions)}
            )
        return {row[0]: row[1] for row in answer.result_rows}

    async def put(self, topic: str, batch: Batch) -> None:
        """See ``Store``. Rows first: progress never says more than there is."""
        await self._insert("mcsp.events", for_clickhouse(batch.messages))
        newest: dict[int, datetime] = {}
        for message in batch.messages:
            at = message.received.received_at
            newest[message.partition] = max(at, newest.get(message.partition, at))
        rows = [(topic, one, offset, newest[one]) for one, offset in batch.next.items() if one in newest]
        await self._progress(rows)

    async def stand(self, topic: str, ends: dict[int, int], up_to: datetime) -> None:
        """See ``Store``."""
        await self._progress([(topic, one, offset, up_to) for one, offset in ends.items()])

    async def check(self) -> None:
        """Readiness: ClickHouse answers. Raises UnavailableError."""
        with _told():
            await self._client.command("SELECT 1")

    async def _progress(self, rows: list[tuple[str, int, int, datetime]]) -> None:
        columns = list(zip(*rows, strict=True))
        if columns:
            await self._insert("mcsp.progress", pa.table(list(map(list, columns)), schema=_PROGRESS))

    async def _insert(self, table: str, rows: pa.Table) -> None:
        if rows.num_rows == 0:
            return
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, rows.schema) as stream:
            stream.write_table(rows)
        with _told():
            await self._client.raw_insert(
                table,
                column_names=[f"`{name}`" for name in rows.schema.names],
                insert_block=sink.getvalue().to_pybytes(),
                fmt="ArrowStream",
            )


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (ClickHouseError, ClientError, OSError, TimeoutError) as error:
        raise UnavailableError("clickhouse_down", f"ClickHouse: {error or type(error).__name__}") from error


@asynccontextmanager
async def open_fast(url: str) -> AsyncIterator[Fast]:
    """The store over a client of its own. Raises UnavailableError when ClickHouse does not answer."""
    async with open_client(url) as client:
        yield Fast(client)
