"""Messages as columns: what a row of ClickHouse and of bronze is made of. Nothing is stored here."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any

import msgspec
import pyarrow as pa
from msgspec import structs

from mcsp.contracts.events import BaseEvent
from warehouse.collector.messages import Message
from warehouse.lake import bronze

_INSTANT = pa.timestamp("us", "UTC")
CLICKHOUSE = pa.schema(
    {
        "topic": pa.string(),
        "partition": pa.uint16(),
        "offset": pa.uint64(),
        "index": pa.uint16(),
        "received_at": _INSTANT,
        "received_by": pa.string(),
        "event_id": pa.string(),
        "type": pa.string(),
        "version": pa.uint8(),
        "client_time": _INSTANT,
        "time": _INSTANT,
        "media_id": pa.string(),
        "session_id": pa.string(),
        "viewer": pa.string(),
        "started_at": _INSTANT,
        "country": pa.string(),
        "network": pa.string(),
        "device": pa.string(),
        "agent": pa.string(),
        "source": pa.string(),
        "position_s": pa.float64(),
        "watched": pa.list_(pa.struct({"from": pa.float64(), "to": pa.float64()})),
        "rate": pa.float32(),
        "payload": pa.string(),
    }
)
_OWN_COLUMNS = {*BaseEvent.__struct_fields__, "position_s", "watched", "rate"}
_EARLIEST, _LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def for_clickhouse(messages: Iterable[Message]) -> pa.Table:
    """Rows of ``mcsp.events``: unknown is empty, a client's clock is held to what can be stored."""
    return _table(CLICKHOUSE, (row for message in messages for row in _clickhouse_rows(message)))


def for_bronze(messages: Iterable[Message]) -> pa.Table:
    """Rows of bronze: what is unknown is null, the payload is the event's JSON as it came."""
    return _table(bronze.SCHEMA, (row for message in messages for row in _bronze_rows(message)))


def _table(schema: pa.Schema, rows: Iterator[tuple[Any, ...]]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def _clickhouse_rows(message: Message) -> Iterator[tuple[Any, ...]]:
    said = message.received
    media_id = str(said.media_id)
    about = (
        said.session_id, said.viewer, said.started_at, said.country or "", said.network or "",
        said.device, said.agent or "", said.source or "",
    )  # fmt: skip
    for index, event in enumerate(said.events):
        yield (
            message.topic, message.partition, message.offset, index, said.received_at, said.received_by,
            str(event.event_id), event.__struct_config__.tag, event.version,
            min(max(event.client_time, _EARLIEST), _LATEST), event.time, media_id, *about,
            getattr(event, "position_s", 0.0), getattr(event, "watched", ()), getattr(event, "rate", 1.0),
            _others(event),
        )  # fmt: skip


def _bronze_rows(message: Message) -> Iterator[tuple[Any, ...]]:
    said = message.received
    at = said.received_at.astimezone(UTC)
    about = (
        str(said.media_id), said.session_id, said.viewer, said.started_at, said.country, said.network,
        said.device, said.agent, said.source,
    )  # fmt: skip
    for index, (event, payload) in enumerate(zip(said.events, message.payloads, strict=True)):
        yield (
            message.topic, message.partition, message.offset, index, said.received_at, said.received_by,
            said.request_id, str(event.event_id), event.__struct_config__.tag, event.version,
            event.client_time, event.time, *about, bytes(payload).decode(), at.date(), at.hour,
        )  # fmt: skip


@cache
def _other_fields(kind: type[BaseEvent]) -> tuple[tuple[str, str], ...]:
    return tuple((one.name, one.encode_name) for one in structs.fields(kind) if one.name not in _OWN_COLUMNS)


def _others(event: BaseEvent) -> str:
    """JSON of the fields that have no column of their own and a value, by their names on the wire."""
    values = {wire: getattr(event, name) for name, wire in _other_fields(type(event))}
    return msgspec.json.encode({name: value for name, value in values.items() if value is not None}).decode()
