"""Kafka: an idempotent producer, a group consumer, and the check that a broker answers.

Kafka wakes and tells; PostgreSQL decides. What does not belong here: topics (``mcsp.contracts.topics``).
"""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from mcsp.contracts.topics import Topic
from mcsp.errors import UnavailableError

REQUEST_TIMEOUT_MS = 10_000


@asynccontextmanager
async def open_producer(bootstrap: str, *, name: str) -> AsyncIterator[AIOKafkaProducer]:
    """A started producer (acks=all, idempotent, no linger); raises UnavailableError when none answers."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        client_id=name,
        acks="all",
        enable_idempotence=True,
        linger_ms=0,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
        retry_backoff_ms=100,
        metadata_max_age_ms=60_000,
    )
    try:
        await producer.start()
    except (KafkaError, OSError) as error:
        await producer.stop()
        raise UnavailableError("kafka_down", f"Kafka at {bootstrap} does not answer: {error}") from error
    try:
        yield producer
    finally:
        await producer.stop()


@asynccontextmanager
async def open_consumer(
    bootstrap: str, topics: Iterable[Topic], *, group: str | None, name: str, from_start: bool = False
) -> AsyncIterator[AIOKafkaConsumer]:
    """A started consumer; without ``group`` it reads everything for itself.

    A group commits by hand after the work (``await consumer.commit()``). Raises UnavailableError.
    """
    consumer = AIOKafkaConsumer(
        *(topic.name for topic in topics),
        bootstrap_servers=bootstrap,
        client_id=name,
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest" if from_start else "latest",
        request_timeout_ms=REQUEST_TIMEOUT_MS,
        fetch_max_wait_ms=250,
        metadata_max_age_ms=60_000,
    )
    try:
        await consumer.start()
    except (KafkaError, OSError) as error:
        await consumer.stop()
        raise UnavailableError("kafka_down", f"Kafka at {bootstrap} does not answer: {error}") from error
    try:
        yield consumer
    finally:
        await consumer.stop()


async def check(bootstrap: str) -> None:
    """Readiness: a broker describes the cluster. Raises UnavailableError."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=2000)
    try:
        await admin.start()
        await admin.describe_cluster()
    except (KafkaError, OSError) as error:
        raise UnavailableError("kafka_down", f"Kafka at {bootstrap} does not answer: {error}") from error
    finally:
        await admin.close()
