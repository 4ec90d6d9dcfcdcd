"""Promises of the outbox and its relay, on the real PostgreSQL and Kafka, which are killed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import msgspec
import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from opentelemetry import trace
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags

from deploy.handle import StackHandle
from mcsp.contracts.media import JobWake
from mcsp.contracts.topics import MEDIA_JOBS
from mcsp.errors import UnavailableError
from mcsp.ids import uuid7
from mcsp.kafka import open_consumer
from mcsp.outbox.put import put
from mcsp.outbox.relay import Relay
from mcsp.resources import Resources
from mcsp.settings import Settings

WAIT_S = 90
LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)


@pytest.fixture
async def pool(resources: Resources) -> asyncpg.Pool:
    return await resources.pool("media_ops")


@asynccontextmanager
async def listening(options: Settings) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of all that is sent from now on."""
    async with open_consumer(options.kafka_bootstrap, [MEDIA_JOBS], group=None, name="tests") as consumer:
        await consumer.seek_to_end()
        for partition in consumer.assignment():
            await consumer.position(partition)
        yield consumer


def wake(media_id: UUID) -> JobWake:
    return JobWake(media_id, uuid7(), "inspect", "inspect")


async def send(pool: asyncpg.Pool, messages: list[JobWake]) -> None:
    async with pool.acquire() as connection, connection.transaction():
        for message in messages:
            await put(connection, MEDIA_JOBS, message.media_id, message)


async def eventually(act: Callable[[], Awaitable[None]]) -> None:
    """Do it as soon as the server that was killed is back."""
    async with asyncio.timeout(WAIT_S):
        while True:
            try:
                return await act()
            except LOST:
                await asyncio.sleep(0.1)


async def received(consumer: AIOKafkaConsumer, wanted: set[UUID]) -> list[ConsumerRecord]:
    """The records of the wanted jobs, in the order of arrival, until each was seen."""
    seen: list[ConsumerRecord] = []
    missing = set(wanted)
    async with asyncio.timeout(WAIT_S):
        while missing:
            record = await consumer.getone()
            job = message_of(record).job_id
            if job in wanted:
                seen.append(record)
                missing.discard(job)
    return seen


def message_of(record: ConsumerRecord) -> JobWake:
    assert record.value is not None
    return msgspec.json.decode(record.value, type=JobWake)


def jobs(records: list[ConsumerRecord]) -> list[UUID]:
    return [message_of(record).job_id for record in records]


def first_seen(ids: list[UUID]) -> list[UUID]:
    return list(dict.fromkeys(ids))


async def test_what_is_committed_arrives_as_it_was_put(options: Settings, pool: asyncpg.Pool) -> None:
    message = wake(uuid7())
    async with listening(options) as consumer:
        await send(pool, [message])
        [record] = await received(consumer, {message.job_id})
    assert message_of(record) == message
    assert record.key == str(message.media_id).encode()


async def test_what_is_rolled_back_is_never_sent(options: Settings, pool: asyncpg.Pool) -> None:
    dropped, kept = wake(uuid7()), wake(uuid7())
    async with listening(options) as consumer:
        async with pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            await put(connection, MEDIA_JOBS, dropped.media_id, dropped)
            await transaction.rollback()
        await send(pool, [kept])
        records = await received(consumer, {kept.job_id})
    assert dropped.job_id not in jobs(records)
    left = "SELECT count(*) FROM outbox.message WHERE key = $1"
    async with asyncio.timeout(WAIT_S):
        admin = await asyncpg.connect(options.dsn_of("relay"))
        assert await admin.fetchval(left, str(dropped.media_id)) == 0
        await admin.close()


async def test_a_message_too_large_for_kafka_is_refused_where_it_is_made(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection, connection.transaction():
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute("SELECT outbox.put('media.jobs', 'k', to_jsonb(repeat('x', 1000000)))")


async def test_the_trace_of_the_cause_travels_with_the_message(options: Settings, pool: asyncpg.Pool) -> None:
    cause = SpanContext(0xABC, 0xDEF, is_remote=False, trace_flags=TraceFlags(1))
    message = wake(uuid7())
    async with listening(options) as consumer:
        with trace.use_span(NonRecordingSpan(cause)):
            await send(pool, [message])
        [record] = await received(consumer, {message.job_id})
    assert dict(record.headers)["traceparent"] == b"00-%032x-%016x-01" % (0xABC, 0xDEF)


async def test_messages_of_a_key_keep_the_order_of_their_commits(
    options: Settings, pool: asyncpg.Pool
) -> None:
    media = uuid7()
    messages = [wake(media) for _ in range(1200)]
    async with listening(options) as consumer:
        for at in range(0, 1200, 100):
            await send(pool, messages[at : at + 100])
        records = await received(consumer, {message.job_id for message in messages})
    assert first_seen(jobs(records)) == [message.job_id for message in messages]


@pytest.mark.fault
async def test_kafka_killed_while_messages_are_put_loses_none(
    stack: StackHandle, options: Settings, pool: asyncpg.Pool
) -> None:
    media = uuid7()
    messages = [wake(media) for _ in range(60)]
    async with listening(options) as consumer:
        await send(pool, messages[:20])
        killed = stack.kill("kafka")
        await send(pool, messages[20:40])
        await asyncio.to_thread(stack.wait_ready, "kafka", other_than=killed)
        await send(pool, messages[40:])
        records = await received(consumer, {message.job_id for message in messages})
    assert first_seen(jobs(records)) == [message.job_id for message in messages]


@pytest.mark.fault
async def test_the_relay_killed_again_and_again_loses_none(
    stack: StackHandle, options: Settings, pool: asyncpg.Pool
) -> None:
    media = uuid7()
    messages = [wake(media) for _ in range(900)]
    async with listening(options) as consumer:
        for at in range(0, 900, 300):
            await send(pool, messages[at : at + 300])
            await asyncio.to_thread(stack.kill_and_wait, "relay")
        records = await received(consumer, {message.job_id for message in messages})
    assert set(jobs(records)) == {message.job_id for message in messages}


@pytest.mark.fault
async def test_postgres_killed_and_back_the_relay_goes_on(
    stack: StackHandle, options: Settings, pool: asyncpg.Pool
) -> None:
    before, after = wake(uuid7()), wake(uuid7())
    relay = stack.service("relay").pid
    async with listening(options) as consumer:
        await send(pool, [before])
        await asyncio.to_thread(stack.kill_and_wait, "postgres")
        await eventually(lambda: send(pool, [after]))
        await received(consumer, {before.job_id, after.job_id})
    await asyncio.to_thread(stack.wait_ready, "relay")
    assert stack.service("relay").pid == relay


async def test_a_second_relay_waits_and_sends_nothing(options: Settings, pool: asyncpg.Pool) -> None:
    second, stop = Relay(options.dsn_of("relay"), options.kafka_bootstrap), asyncio.Event()
    running = asyncio.create_task(second.run(stop))
    messages = [wake(uuid7()) for _ in range(100)]
    async with listening(options) as consumer, asyncio.timeout(WAIT_S):
        await connected(second)
        for message in messages:
            await send(pool, [message])
        records = await received(consumer, {message.job_id for message in messages})
    stop.set()
    await running
    assert sorted(jobs(records)) == sorted(message.job_id for message in messages)


async def connected(relay: Relay) -> None:
    while True:
        try:
            return await relay.check()
        except UnavailableError:
            await asyncio.sleep(0.05)
