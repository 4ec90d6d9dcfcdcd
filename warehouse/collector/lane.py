"""A lane: reads a topic, gathers batches, puts each into its store until it is there. It never gives up."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta

import structlog
from aiokafka.errors import KafkaError

from mcsp.errors import MCSPError, UnavailableError
from mcsp.process import until
from mcsp.telemetry.metrics import observed
from warehouse.collector import metrics
from warehouse.collector.batch import Batch
from warehouse.collector.reader import Reader
from warehouse.collector.store import Store

log = structlog.get_logger()

BACKOFF_S = (0.2, 0.5, 1.0, 2.0, 5.0)
STAND_S = 1.0
"""How often a lane that is at the end says so, and how long it trusts a message to be on its way."""


class Lane:
    """``error`` says what holds the lane up at the moment; empty while it goes well."""

    def __init__(
        self,
        name: str,
        open_store: Callable[[], AbstractAsyncContextManager[Store]],
        open_reader: Callable[[Store], Reader],
    ) -> None:
        self.name, self.error = name, "has not started yet"
        self._open_store, self._open_reader = open_store, open_reader
        self._failures = 0

    async def check(self) -> None:
        """Readiness. Raises UnavailableError with what is wrong."""
        if self.error:
            raise UnavailableError("lane_held_up", f"Lane {self.name}: {self.error}")

    async def run(self, stop: asyncio.Event) -> None:
        """Work until ``stop``; after any fault of a server begin again from what the store has."""
        while not stop.is_set():
            try:
                async with self._open_store() as store, self._open_reader(store) as reader:
                    await self._work(reader, store, stop)
            except (MCSPError, KafkaError, OSError, TimeoutError) as error:
                await self._held_up(error, stop)

    async def _work(self, reader: Reader, store: Store, stop: asyncio.Event) -> None:
        batch, stood = Batch(), 0.0
        clock = asyncio.get_running_loop().time
        while not stop.is_set():
            if reader.moved:
                batch = Batch()
                await reader.settle()
            await reader.read_into(batch)
            if not reader.moved and batch.is_due(store.linger_s, store.most_rows):
                batch = await self._put(reader, store, batch, stop)
            if clock() - stood >= STAND_S:
                await self._stand(reader, store, batch)
                stood = clock()
        if batch.next and not reader.moved:
            await store.put(reader.topic, batch)

    async def _put(self, reader: Reader, store: Store, batch: Batch, stop: asyncio.Event) -> Batch:
        """Put it away, as often as it takes; gives the next, empty one."""
        poison = list(batch.poison)
        while True:
            try:
                with observed("collector", f"put {store.name}"):
                    await store.put(reader.topic, batch)
            except UnavailableError as error:
                await self._held_up(error, stop)
                if stop.is_set() or reader.moved:
                    return Batch()  # it is read again from where the store is
                continue
            break
        self._went_well()
        metrics.ROWS.labels(self.name).inc(batch.rows)
        metrics.LOADED.labels(self.name).set_to_current_time()
        for one in poison:
            metrics.POISON.labels(self.name, one.code).inc()
            log.warning("poison", lane=self.name, code=one.code, reason=one.reason[:200],
                        partition=one.record.partition, offset=one.record.offset)  # fmt: skip
        return Batch()

    async def _stand(self, reader: Reader, store: Store, batch: Batch) -> None:
        up_to = datetime.now(UTC) - timedelta(seconds=STAND_S)
        ends = await reader.at_end(batch)
        if ends:
            await store.stand(reader.topic, ends, up_to)
        if not batch.next:
            self._went_well()

    def _went_well(self) -> None:
        if self.error:
            log.info("lane works", lane=self.name)
        self.error, self._failures = "", 0

    async def _held_up(self, error: Exception, stop: asyncio.Event) -> None:
        self.error = f"{type(error).__name__}: {error}"[:300]
        log.warning("lane held up", lane=self.name, error=self.error, failures=self._failures)
        wait_s = BACKOFF_S[min(self._failures, len(BACKOFF_S) - 1)]
        self._failures += 1
        await until(stop, wait_s)
