"""What Kafka holds of ``events.raw``, and events as a client makes them."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from mcsp.contracts.events import Received
from mcsp.contracts.topics import EVENTS_RAW


async def messages(bootstrap: str) -> list[tuple[str, bytes]]:
    """Key and value of every message of the topic at this moment."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest", client_id="tests"
    )
    await consumer.start()
    try:
        parts = [TopicPartition(EVENTS_RAW.name, number) for number in range(EVENTS_RAW.partitions)]
        consumer.assign(parts)
        ends = await consumer.end_offsets(parts)
        found: list[tuple[str, bytes]] = []
        while any([await consumer.position(part) < ends[part] for part in parts]):
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                found += [((one.key or b"").decode(), one.value or b"") for one in batch]
        return found
    finally:
        await consumer.stop()


async def received(bootstrap: str, media_id: UUID) -> list[tuple[str, Received]]:
    """Key and content of the messages about an item, in their order."""
    about = [one for one in await messages(bootstrap) if str(media_id).encode() in one[1]]
    return [(key, msgspec.json.decode(value, type=Received)) for key, value in about]


def event(kind: str, media_id: object = None, session_id: object = None, **fields: Any) -> dict[str, Any]:
    """An event as a client sends it, now."""
    whose = {"media_id": media_id and str(media_id), "session_id": session_id}
    told = {name: value for name, value in whose.items() if value is not None}
    at = datetime.now(UTC).isoformat()
    return {"event_id": str(uuid4()), "type": kind, "client_time": at, **told, **fields}


def beat(media_id: object, session_id: object, start: float, end: float, **fields: Any) -> dict[str, Any]:
    """A heartbeat that says that these seconds were watched."""
    told = {"position_s": end, "watched": [[start, end]], **fields}
    return event("heartbeat", media_id, session_id, **told)
