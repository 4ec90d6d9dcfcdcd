"""Gives messages to Kafka and knows when it has them; refuses at once while Kafka is down or too slow.

Bounded: at most ``MOST_PENDING`` bytes wait for an acknowledgement, whatever Kafka does. A message whose
acknowledgement came too late was refused to the client but may be in Kafka: the client sends it again, and
whoever counts takes an event once by (session_id, event_id). So the producer need not be idempotent, whose
sequence numbers a broken connection can spoil for good. What does not belong here: what the messages say.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from prometheus_client import Gauge

from mcsp.contracts.topics import EVENTS_RAW
from mcsp.errors import UnavailableError

ACK_S = 2.0
"""How long a request waits for Kafka's acknowledgement."""
MOST_PENDING = 32 << 20
LOOK_S = 0.5
GIVE_UP_MS = 5000
"""After this the producer itself drops a message that was refused long before."""
BATCH_BYTES = 256 << 10

PENDING = Gauge("mcsp_events_pending_bytes", "Bytes given to Kafka and not yet acknowledged")
UP = Gauge("mcsp_events_kafka_up", "1 while events are taken")

log = structlog.get_logger()

Message = tuple[bytes, bytes]
"""Key and value."""


class Sender:
    """One producer at a time. After a failure it is replaced by a new one, as soon as Kafka answers."""

    def __init__(
        self, bootstrap: str, name: str, *, ack_s: float = ACK_S, most_pending: int = MOST_PENDING
    ) -> None:
        self._bootstrap, self._name, self._ack_s, self._most = bootstrap, name, ack_s, most_pending
        self._producer: AIOKafkaProducer | None = None
        self._why = "not connected yet"
        self._lost = asyncio.Event()
        self._first = asyncio.Event()
        self._ending: set[asyncio.Task[None]] = set()
        self.pending = 0

    async def send(self, messages: Sequence[Message]) -> None:
        """Returns once Kafka has all of them (acks=all); raises UnavailableError when it is not known to."""
        if not messages:
            return
        producer, size = self._producer, sum(len(value) for _, value in messages)
        if producer is None:
            raise _unavailable("events_unavailable", self._why)
        if self.pending + size > self._most:
            raise _unavailable("events_busy", f"{self.pending} bytes wait for Kafka")
        try:
            async with asyncio.timeout(self._ack_s):
                await self._deliver(producer, messages)
        except (TimeoutError, KafkaError, OSError) as error:
            self._lose(producer, f"no acknowledgement: {error!r}")
            raise _unavailable("events_unavailable", repr(error)) from error

    async def _deliver(self, producer: AIOKafkaProducer, messages: Sequence[Message]) -> None:
        """Room is taken for all before the first waits, and freed for each once settled, however late."""
        left = sum(len(value) for _, value in messages)
        self._count(left)
        acks = []
        try:
            for key, value in messages:
                ack = await producer.send(EVENTS_RAW.name, value=value, key=key)
                ack.add_done_callback(partial(self._settled, len(value)))
                left -= len(value)
                acks.append(asyncio.shield(ack))
        finally:
            self._count(-left)
        await asyncio.gather(*acks)

    def _settled(self, size: int, ack: "asyncio.Future[object]") -> None:
        self._count(-size)
        if not ack.cancelled():
            ack.exception()  # asked for, so that a message refused long ago is no "never retrieved"

    def _count(self, size: int) -> None:
        self.pending += size
        PENDING.set(self.pending)

    def _lose(self, producer: AIOKafkaProducer, why: str) -> None:
        """From now on requests are refused at once; the first to notice says so."""
        if producer is not self._producer:
            return
        log.warning("events are refused", why=why, action="look at the service kafka")
        self._producer, self._why = None, why
        UP.set(0)
        self._lost.set()
        task = asyncio.create_task(_stop(producer))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _run(self) -> None:
        """Connects, watches, and connects anew, for as long as the service runs."""
        while True:
            producer = await self._connect()
            if producer is None:
                self._first.set()
                await asyncio.sleep(LOOK_S)
                continue
            self._lost.clear()
            self._producer = producer
            self._first.set()
            UP.set(1)
            log.info("events are taken", kafka=self._bootstrap)
            await self._watch(producer)

    async def _watch(self, producer: AIOKafkaProducer) -> None:
        """Until Kafka is lost: by a request, or because it does not answer when nobody asks."""
        while not self._lost.is_set():
            try:
                async with asyncio.timeout(self._ack_s):
                    await producer.client.fetch_all_metadata()
            except (TimeoutError, KafkaError, OSError) as error:
                self._lose(producer, f"no answer: {error!r}")
                return
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._lost.wait()
            except TimeoutError:
                continue

    async def _connect(self) -> AIOKafkaProducer | None:
        producer = AIOKafkaProducer(
            bootstrap_servers=self._bootstrap,
            client_id=self._name,
            acks="all",
            linger_ms=2,
            compression_type="lz4",
            max_batch_size=BATCH_BYTES,
            max_request_size=EVENTS_RAW.max_bytes,
            request_timeout_ms=GIVE_UP_MS,
            retry_backoff_ms=100,
        )
        try:
            async with asyncio.timeout(GIVE_UP_MS / 1000):
                await producer.start()
                await producer.partitions_for(EVENTS_RAW.name)
        except (TimeoutError, KafkaError, OSError) as error:
            self._why = repr(error)
            await _stop(producer)
            return None
        except asyncio.CancelledError:
            await _stop(producer)
            raise
        return producer

    async def check(self) -> None:
        """Readiness: events are taken. Raises UnavailableError."""
        if self._producer is None:
            raise _unavailable("events_unavailable", self._why)

    async def close(self) -> None:
        if self._producer is not None:
            await _stop(self._producer)
        await asyncio.gather(*self._ending)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Sender"]:
        """Connected (or known not to be) while the block runs; Kafka away at the start stops no start."""
        keeper = asyncio.create_task(self._run())
        try:
            await self._first.wait()
            yield self
        finally:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
            await self.close()


async def _stop(producer: AIOKafkaProducer) -> None:
    """Ends a producer; what it still holds was refused, and goes out within ``GIVE_UP_MS`` or not at all."""
    try:
        async with asyncio.timeout(2 * GIVE_UP_MS / 1000):
            await producer.stop()
    except (TimeoutError, KafkaError, OSError) as error:
        log.warning("a producer did not end in time", error=repr(error))


def _unavailable(code: str, why: str) -> UnavailableError:
    return UnavailableError(
        code, "Events cannot be taken right now.", action="Keep them and send them again.", log=why
    )  # fmt: skip
