"""Reading a topic from where a store says that it is, however partitions move between collectors.

Kafka's group decides who reads which partition; its committed offsets are never used. Whatever is handed out
between an assignment and the seek is recognised by its offset and dropped.
"""

import asyncio
from collections.abc import Collection

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from mcsp.errors import ConflictError, UnavailableError
from warehouse.collector import metrics
from warehouse.collector.batch import Batch
from warehouse.collector.store import Store

log = structlog.get_logger()

POLL_MS = 200
MOST_RECORDS = 2_000
ANSWER_S, FAREWELL_S = 15.0, 5.0
"""How long Kafka has for one answer, and for a good-bye: the client may wait for ever for a broker that was
killed between two of its steps. Then the lane begins again."""
SESSION_MS = 6_000
"""A collector that was killed is replaced within this time."""


class Reader(ConsumerRebalanceListener):
    """One lane's consumer. ``moved``: partitions came or went, so what is not yet stored is to be dropped."""

    def __init__(self, bootstrap: str, topic: str, store: Store, name: str) -> None:
        self.topic, self.moved = topic, False
        self._store = store
        self._next: dict[TopicPartition, int] = {}
        self._bootstrap = bootstrap
        self._consumer = AIOKafkaConsumer(
            bootstrap_servers=bootstrap,
            client_id=f"{name}-{store.name}",
            group_id=f"collector-{store.name}-{topic}",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            session_timeout_ms=SESSION_MS,
            heartbeat_interval_ms=1_000,
            metadata_max_age_ms=60_000,
            request_timeout_ms=10_000,
        )

    async def __aenter__(self) -> "Reader":
        self._consumer.subscribe([self.topic], listener=self)
        try:
            async with asyncio.timeout(ANSWER_S):
                await self._consumer.start()
        except (KafkaError, OSError, TimeoutError) as error:
            await self._stop()
            raise UnavailableError("kafka_down", f"Kafka at {self._bootstrap}: {error}") from error
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop()

    async def _stop(self) -> None:
        try:
            async with asyncio.timeout(FAREWELL_S):
                await self._consumer.stop()
        except TimeoutError:
            log.warning("kafka took no leave", lane=self._store.name)

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """Called by the consumer before partitions are given away."""
        self._forget()

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Called by the consumer when partitions came."""
        self._forget()

    def _forget(self) -> None:
        self._next, self.moved = {}, True

    async def settle(self) -> None:
        """After a move: go to where the store is.

        Raises UnavailableError when it cannot say, ConflictError when it is ahead of Kafka.
        """
        self.moved = False
        assigned = self._consumer.assignment()
        if not assigned:
            return
        positions = await self._store.positions(self.topic, [one.partition for one in assigned])
        async with asyncio.timeout(ANSWER_S):
            firsts = await self._consumer.beginning_offsets(list(assigned))
            ends = await self._consumer.end_offsets(list(assigned))
        if self.moved:
            return
        for one in assigned:
            at = self._start(one, positions.get(one.partition, 0), firsts[one], ends[one])
            self._consumer.seek(one, at)
            self._next[one] = at
        log.info("reading", lane=self._store.name, positions={o.partition: a for o, a in self._next.items()})

    def _start(self, one: TopicPartition, wanted: int, first: int, end: int) -> int:
        if wanted > end:
            raise ConflictError(
                "store_ahead",
                f"{self._store.name} has {one.topic}/{one.partition} up to {wanted}, Kafka ends at {end}",
                action="Kafka's log was replaced: give the topic a new name, or restore the log.",
            )
        if first > wanted and wanted > 0:
            metrics.LOST.labels(self._store.name).inc(first - wanted)
            log.error("messages lost", lane=self._store.name, partition=one.partition, lost=first - wanted)
        return max(first, wanted)

    async def read_into(self, batch: Batch) -> None:
        """Take what has come, waiting for a moment; nothing where partitions moved meanwhile."""
        async with asyncio.timeout(ANSWER_S):
            found = await self._consumer.getmany(timeout_ms=POLL_MS, max_records=MOST_RECORDS)
        if self.moved:
            return
        for one, records in found.items():
            wanted = [record for record in records if record.offset >= self._next.get(one, record.offset + 1)]
            if wanted:
                batch.take(wanted)
                self._next[one] = wanted[-1].offset + 1

    async def at_end(self, batch: Batch) -> dict[int, int]:
        """The partitions that are read to their end and have nothing in ``batch``, with that end."""
        asked = list(self._next)
        if not asked:
            return {}
        async with asyncio.timeout(FAREWELL_S):
            ends = await self._consumer.end_offsets(asked)
            positions = {one: await self._consumer.position(one) for one in asked}
        standing: dict[int, int] = {}
        for one, position in positions.items():
            metrics.LAG.labels(self._store.name, str(one.partition)).set(max(ends[one] - position, 0))
            if position >= ends[one] and one.partition not in batch.next:
                standing[one.partition] = position
        return {} if self.moved else standing
