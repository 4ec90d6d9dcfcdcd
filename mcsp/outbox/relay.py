"""The relay: reads the outbox in id order, publishes to Kafka, deletes what Kafka acknowledged.

One relay works at a time (advisory lock); a second one waits and takes over. NOTIFY wakes it within
milliseconds, a poll every second finds what a lost notification left. A message may arrive twice (the relay
died between Kafka's answer and its own commit), never out of order within a key, never not at all.
"""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import asyncpg
import msgspec
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from opentelemetry import trace
from prometheus_client import Counter, Gauge, Histogram

from mcsp.errors import UnavailableError
from mcsp.kafka import open_producer
from mcsp.outbox.spans import sending
from mcsp.process import until
from mcsp.telemetry.metrics import observed

log = structlog.get_logger()

BATCH = 500
POLL_S = 1.0
BACKOFF_MAX_S = 5.0
_LOCK_KEY = 0x6F757462  # "outb"

SENT = Counter("mcsp_outbox_sent_total", "Messages acknowledged by Kafka", ["topic"])
LAG = Histogram(
    "mcsp_outbox_lag_seconds", "Seconds from put to Kafka's acknowledgement",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 30, 300),
)  # fmt: skip
ACTIVE = Gauge("mcsp_outbox_relay_active", "1 while this relay holds the lock")

# The rows stay locked until Kafka has them: rolled back, they are there again.
_TAKE = """
DELETE FROM outbox.message WHERE message_id IN (
    SELECT message_id FROM outbox.message ORDER BY message_id LIMIT $1)
RETURNING message_id, topic, key, payload::text AS payload, headers,
          extract(epoch FROM clock_timestamp() - created_at)::float8 AS age_s
"""

_LOST = (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, asyncpg.OperatorInterventionError)
_FAILURES = (*_LOST, asyncpg.CannotConnectNowError, KafkaError, UnavailableError, OSError, TimeoutError)


@dataclass
class Relay:
    """Moves the outbox of one database to one Kafka. ``run`` survives both being away."""

    dsn: str
    bootstrap: str
    _wake: asyncio.Event = field(default_factory=asyncio.Event, init=False)
    _connection: asyncpg.Connection | None = field(default=None, init=False)

    async def check(self) -> None:
        """Readiness: the relay is connected to PostgreSQL. Raises UnavailableError."""
        if self._connection is None or self._connection.is_closed():
            raise UnavailableError("postgres_down", "The relay is not connected to PostgreSQL.")

    async def run(self, stop: asyncio.Event) -> None:
        """Relay until ``stop`` is set; after a failure try again, at most ``BACKOFF_MAX_S`` later."""
        delay = 0.1
        while not stop.is_set():
            try:
                async with AsyncExitStack() as stack:
                    await self._session(stack, stop)
            except _FAILURES as error:
                log.warning("relay interrupted", error=f"{type(error).__name__}: {error}", retry_in_s=delay)
                await until(stop, delay)
                delay = min(delay * 2, BACKOFF_MAX_S)
            else:
                delay = 0.1

    async def _session(self, stack: AsyncExitStack, stop: asyncio.Event) -> None:
        listener = await self._connect(stack, "relay-listen")
        worker = await self._connect(stack, "relay")
        self._connection = worker
        producer = await stack.enter_async_context(open_producer(self.bootstrap, name="relay"))
        await listener.add_listener("outbox", lambda *_: self._wake.set())
        listener.add_termination_listener(lambda _: self._wake.set())
        stack.callback(ACTIVE.set, 0)
        while not stop.is_set():
            if not await worker.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK_KEY):
                await until(stop, POLL_S)
                continue
            ACTIVE.set(1)
            await self._drain(worker, listener, producer, stop)

    async def _connect(self, stack: AsyncExitStack, name: str) -> asyncpg.Connection:
        connection = await asyncpg.connect(
            self.dsn, timeout=5, command_timeout=15, server_settings={"application_name": name}
        )
        stack.callback(connection.terminate)
        return connection

    async def _drain(
        self,
        worker: asyncpg.Connection,
        listener: asyncpg.Connection,
        producer: AIOKafkaProducer,
        stop: asyncio.Event,
    ) -> None:
        while not stop.is_set():
            self._wake.clear()
            while await _move(worker, producer) == BATCH:
                pass
            if listener.is_closed():
                raise UnavailableError("postgres_down", "The listening connection was lost.")
            await _first(self._wake, stop)


async def _first(wake: asyncio.Event, stop: asyncio.Event) -> None:
    waits = [asyncio.ensure_future(wake.wait()), asyncio.ensure_future(stop.wait())]
    try:
        await asyncio.wait(waits, timeout=POLL_S, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()


async def _move(worker: asyncpg.Connection, producer: AIOKafkaProducer) -> int:
    """Move one batch; gives how many messages it had."""
    transaction = worker.transaction()
    await transaction.start()
    try:
        rows = await worker.fetch(_TAKE, BATCH)
        if rows:
            with observed("relay", "publish"):
                await _publish(producer, sorted(rows, key=lambda row: row["message_id"]))
    except BaseException:
        if not worker.is_closed():
            await transaction.rollback()
        raise
    await transaction.commit()
    for row in rows:
        SENT.labels(row["topic"]).inc()
        LAG.observe(max(row["age_s"], 0))
    return len(rows)


async def _publish(producer: AIOKafkaProducer, rows: list[asyncpg.Record]) -> None:
    headers = [_headers(row) for row in rows]
    with sending([(row["topic"], carried) for row, carried in zip(rows, headers, strict=True)]):
        answers = [
            await producer.send(
                row["topic"],
                row["payload"].encode(),
                key=row["key"].encode(),
                headers=[(name, value.encode()) for name, value in carried.items()],
            )
            for row, carried in zip(rows, headers, strict=True)
        ]
        await asyncio.gather(*answers)
    trace.get_current_span().set_attribute("messaging.batch.message_count", len(rows))


def _headers(row: asyncpg.Record) -> dict[str, str]:
    return msgspec.json.decode(row["headers"], type=dict[str, str])
