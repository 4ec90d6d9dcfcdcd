"""Messages as the API would send them, and what of them is in each store."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import clickhouse_connect
import msgspec
from aiokafka import AIOKafkaProducer
from deltalake import DeltaTable

from deploy.handle import StackHandle
from deploy.services import clickhouse
from mcsp.contracts.events import Event, Heartbeat, Impression, PlayStart, Received
from mcsp.ids import uuid7
from mcsp.settings import LakeSettings
from warehouse.lake import storage

MEDIA = UUID("01990000-0000-7000-8000-000000000001")


def received(session: str, events: tuple[Event, ...]) -> Received:
    """A message of a session that has just begun."""
    now = datetime.now(UTC)
    return Received(
        received_at=now, received_by="test", request_id="r", session_id=session, media_id=MEDIA,
        viewer="0123456789abcdef" * 2, started_at=now, country="NG", network="public", device="phone",
        agent="Firefox", source=None, events=events,
    )  # fmt: skip


def events(count: int) -> tuple[Event, ...]:
    """A start, then heartbeats of ten seconds each."""
    now = datetime.now(UTC)
    start = PlayStart(event_id=uuid7(), client_time=now, time=now, muted=True, start_delay_ms=80)
    beats = (
        Heartbeat(event_id=uuid7(), client_time=now, time=now, position_s=10.0 * n,
                  watched=((10.0 * n - 10, 10.0 * n),))
        for n in range(1, count)
    )  # fmt: skip
    return (start, *beats)


def impression() -> Impression:
    now = datetime.now(UTC)
    return Impression(event_id=uuid7(), client_time=now, time=now, surface="feed", slot=3)


Row = tuple[int, int, int, str]
"""Partition, offset, index and event id: a row's identity, and whose it is."""


@dataclass
class Sent:
    """A topic of the test's own, what was put on it, and what the stores have of it."""

    stack: StackHandle
    topic: str
    producer: AIOKafkaProducer
    rows: list[Row] = field(default_factory=list)

    async def send(self, messages: int = 40, *, each: int = 5) -> None:
        """Put sessions on the topic, spread over its partitions by their key."""
        for number in range(messages):
            await self.message(received(f"s{number}", events(each)))

    async def message(self, message: Received) -> None:
        key = (message.session_id or message.viewer).encode()
        at = await self.raw(msgspec.json.encode(message), key)
        self.rows += [(*at, index, str(event.event_id)) for index, event in enumerate(message.events)]

    async def raw(self, value: bytes, key: bytes = b"k") -> tuple[int, int]:
        """Any bytes; gives partition and offset."""
        put = await self.producer.send_and_wait(self.topic, value, key=key)
        return put.partition, put.offset

    def in_clickhouse(self) -> list[Row]:
        """Each row once: a repeat is allowed there, and told apart by its identity."""
        sql = """SELECT DISTINCT partition, offset, `index`, toString(event_id) FROM mcsp.events
                 WHERE topic = {topic:String} ORDER BY ALL"""
        return self.ask(sql)

    def ask(self, sql: str) -> list[Any]:
        """Any question about the topic (``{topic:String}``), with a client of its own."""
        client = clickhouse_connect.get_client(
            dsn=clickhouse.url(self.stack.context, "creators"), autogenerate_session_id=False
        )
        try:
            return list(client.query(sql, parameters={"topic": self.topic}).result_rows)
        finally:
            client.close()

    @property
    def lake(self) -> LakeSettings:
        prefix = "MCSP_LAKE__"
        values = {
            name.removeprefix(prefix).lower(): value
            for name, value in self.stack.env("collector").items()
            if name.startswith(prefix)
        }
        return LakeSettings.model_validate(values)

    def table(self) -> DeltaTable:
        address = storage.address(self.lake, "bronze", "events")
        return DeltaTable(address, storage_options=storage.options(self.lake))

    def in_lake(self) -> list[Row]:
        """Every row, as often as it is there."""
        columns = ["partition", "offset", "index", "event_id"]
        found = self.table().to_pyarrow_table(columns=columns, filters=[("topic", "=", self.topic)])
        return sorted(zip(*(found[name].to_pylist() for name in columns), strict=True))


def twice(rows: list[Row]) -> list[Row]:
    """Rows that are there more than once."""
    return [row for row, count in Counter(rows).items() if count > 1]
