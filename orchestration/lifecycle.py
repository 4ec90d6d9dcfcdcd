"""Reading ``media.lifecycle`` a bounded step at a time: from a cursor to the hours that changed.

The offsets live in the sensor's cursor and not in a consumer group, so that a tick that fails is read again
and a person can rewind by editing the cursor. What does not belong here: what is reported of a changed
hour (``assets.hours``) and when to look (``sensors``).
"""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime

import dagster as dg
import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from assets.partitions import STAGES, Stage, hour_of
from mcsp.contracts.media import Lifecycle
from mcsp.contracts.topics import MEDIA_LIFECYCLE
from mcsp.kafka import open_consumer
from orchestration.looks import Look

MOST_HOURS = 30
"""Hours of a stage reported by one tick. Each takes up to a second (its packages are looked up in the
store) and a tick is ended by Dagster after 60 s; what is left over waits for the next tick."""

MOST_MESSAGES = 20_000
"""Messages read by one tick: a second of decoding. An upload causes about twenty."""

READ_S = 8.0
"""Seconds after which a tick stops reading and reports what it has."""

FETCH_MS = 500

Changed = tuple[Stage, datetime]


class Cursor(msgspec.Struct, frozen=True):
    """The next offset to read of each partition of the topic, the changes read and not reported yet for want
    of time, and the looks that are under way."""

    offsets: dict[int, int] = {}
    left: list[Changed] = []
    looks: dict[str, Look] = {}

    @classmethod
    def parse(cls, text: str | None) -> "Cursor":
        """The cursor that a sensor kept; an empty one before the first tick."""
        return msgspec.json.decode(text, type=cls) if text else cls()

    def __str__(self) -> str:
        ordered = msgspec.structs.replace(self, offsets=dict(sorted(self.offsets.items())))
        return msgspec.json.encode(ordered).decode()


class Step(msgspec.Struct):
    """What one tick read: the hours that changed, in the order of their first message, and where to go on."""

    offsets: dict[int, int]
    changed: dict[Changed, int] = {}
    messages: int = 0
    unreadable: int = 0

    @property
    def cursor(self) -> Cursor:
        return Cursor(self.offsets)

    @property
    def full(self) -> bool:
        return len(self.changed) >= MOST_HOURS or self.messages >= MOST_MESSAGES

    def take(self, records: Iterable[ConsumerRecord]) -> None:
        """Count records of one partition in their order, up to the first that no longer fits."""
        for record in records:
            wanted = _changes(record.value)
            if self.full and not self.changed.keys() >= set(wanted or ()):
                return
            self.messages += 1
            self.unreadable += wanted is None
            self.offsets[record.partition] = record.offset + 1
            for change in wanted or ():
                self.changed[change] = self.changed.get(change, 0) + 1


def _changes(value: bytes | None) -> list[Changed] | None:
    """The hours that a message changes; None where it cannot be read."""
    try:
        message = msgspec.json.decode(value or b"", type=Lifecycle)
    except msgspec.MsgspecError:
        return None
    return [(stage, hour_of(message.partition_at)) for stage in _stages(message)]


def _stages(message: Lifecycle) -> tuple[Stage, ...]:
    match message.event, message.status:
        case "item", "deleted":
            return STAGES
        case "item", ("ready" | "failed" | "held"):
            return ("sources", "packages")
        case "item", _:
            return ("sources",)
        case "rendition", _:
            return ("renditions",)
        case "manifest", _:
            return ("packages",)
        case _:
            return ()


class LifecycleTopic(dg.ConfigurableResource):
    """The Kafka topic ``media.lifecycle``: items, renditions and manifests that changed state."""

    bootstrap: str

    def read(self, cursor: Cursor) -> Step:
        """Read on from a cursor to the topic's present end, or to one of the bounds above.

        What the cursor has left over comes first, and nothing is read then. Raises
        UnavailableError where no broker answers.
        """
        if cursor.left:
            return Step(cursor.offsets, dict.fromkeys(cursor.left, 0))
        return asyncio.run(self._read(cursor))

    async def _read(self, cursor: Cursor) -> Step:
        async with open_consumer(
            self.bootstrap, [MEDIA_LIFECYCLE], group=None, name="dagster-lifecycle", from_start=True
        ) as consumer:
            ends = await consumer.end_offsets(consumer.assignment())
            step = Step(await _seek(consumer, ends, cursor))
            await _drain(consumer, ends, step)
            return step


async def _seek(
    consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int], cursor: Cursor
) -> dict[int, int]:
    """Start where the cursor says; at the beginning where the topic no longer, or never, had that offset."""
    begins = await consumer.beginning_offsets(list(ends))
    starts = {
        place: offset
        if begins[place] <= (offset := cursor.offsets.get(place.partition, -1)) <= end
        else begins[place]
        for place, end in ends.items()
    }
    for place, offset in starts.items():
        consumer.seek(place, offset)
    return {place.partition: offset for place, offset in starts.items()}


async def _drain(consumer: AIOKafkaConsumer, ends: Mapping[TopicPartition, int], step: Step) -> None:
    """Take what is there up to ``ends``, within the bounds of a tick."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + READ_S
    while not step.full and clock() < deadline and _behind(ends, step):
        for records in (await consumer.getmany(timeout_ms=FETCH_MS)).values():
            step.take(records)


def _behind(ends: Mapping[TopicPartition, int], step: Step) -> bool:
    return any(step.offsets[place.partition] < end for place, end in ends.items())
