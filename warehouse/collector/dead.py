"""``events.dlq``: messages that cannot be loaded, byte for byte, with the reason; and their replay.

A record's key is ``topic/partition/offset`` of the message, its headers say ``code``, ``reason``, ``topic``
and ``key`` (of the message). A message may be set aside twice (a
kill between Kafka's answer and the lake's commit); a replay puts each key back once a run, and events that
come twice are known by their ids.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord
from aiokafka.errors import KafkaError

from mcsp.contracts.topics import EVENTS_DLQ
from mcsp.errors import UnavailableError
from mcsp.kafka import open_consumer, open_producer
from warehouse.collector.batch import Poison
from warehouse.collector.messages import PoisonError, read

GROUP = "events-replay"
_LONGEST_REASON = 500


async def set_aside(producer: AIOKafkaProducer, poison: Poison) -> None:
    """Put a message on ``events.dlq``. Raises UnavailableError when Kafka does not take it."""
    record = poison.record
    headers = [
        ("code", poison.code.encode()),
        ("reason", poison.reason[:_LONGEST_REASON].encode()),
        ("topic", record.topic.encode()),
        ("key", record.key or b""),
    ]
    key = f"{record.topic}/{record.partition}/{record.offset}".encode()
    await _send(producer, EVENTS_DLQ.name, record.value, key, headers)


@dataclass
class Replayed:
    """What a replay did: keys put back, and keys that still cannot be read, each with its reason."""

    again: list[str] = field(default_factory=list)
    still: dict[str, str] = field(default_factory=dict)


async def replay(bootstrap: str) -> Replayed:
    """Put back every message set aside since the last replay that can be read by now; the others stay.

    Those that stay go to the end of ``events.dlq``, so that the next replay finds them. Raises
    UnavailableError when Kafka does not answer.
    """
    done = Replayed()
    async with (
        open_producer(bootstrap, name=GROUP) as producer,
        open_consumer(bootstrap, [EVENTS_DLQ], group=GROUP, name=GROUP, from_start=True) as consumer,
    ):
        async for record in _until_end(consumer):
            await _again(producer, record, done)
        await consumer.commit()
    return done


async def _until_end(consumer: AIOKafkaConsumer) -> AsyncIterator[ConsumerRecord]:
    """The records up to where the topic ends now."""
    while not consumer.assignment():
        await consumer.getmany(timeout_ms=100, max_records=1)
    ends = await consumer.end_offsets(list(consumer.assignment()))
    for partition, end in ends.items():
        while await consumer.position(partition) < end:
            for record in (await consumer.getmany(partition, timeout_ms=500)).get(partition, []):
                if record.offset < end:
                    yield record
        consumer.seek(partition, end)


async def _again(producer: AIOKafkaProducer, record: ConsumerRecord, done: Replayed) -> None:
    key = (record.key or b"").decode(errors="replace")
    headers = dict(record.headers)
    if key in done.again or key in done.still:
        return
    try:
        read(record)
    except PoisonError as error:
        done.still[key] = str(error)
        await _send(producer, EVENTS_DLQ.name, record.value, record.key, list(record.headers))
        return
    await _send(producer, headers["topic"].decode(), record.value, headers["key"] or None, [])
    done.again.append(key)


async def _send(
    producer: AIOKafkaProducer,
    topic: str,
    value: bytes | None,
    key: bytes | None,
    headers: list[tuple[str, bytes]],
) -> None:
    try:
        await producer.send_and_wait(topic, value, key=key, headers=headers)
    except (KafkaError, OSError) as error:
        raise UnavailableError("kafka_down", f"Kafka takes no message: {error}") from error
