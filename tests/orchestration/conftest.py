"""Fixtures of the orchestration tests: the stack's Kafka and store, and a ledger of one's own.

The ledger is a database of the test alone, so that no worker of the stack takes its jobs.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import dagster as dg
import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from assets.resources import Objects
from deploy.handle import StackHandle
from mcsp.contracts.media import Lifecycle
from mcsp.contracts.topics import MEDIA_LIFECYCLE
from mcsp.ids import uuid7
from mcsp.kafka import open_producer
from orchestration.lifecycle import Cursor, LifecycleTopic
from tests.assets.resources import ledger, objects_of, pages, store
from tests.media_ops.conftest import database, pool, postgres_server
from tests.media_ops.postgres import Server

__all__ = ["database", "ledger", "pages", "pool", "postgres_server", "store"]

Tell = Callable[..., Awaitable[None]]


@pytest.fixture
def objects(stack: StackHandle) -> Objects:
    return objects_of(stack)


@pytest.fixture
def topic(stack: StackHandle) -> LifecycleTopic:
    return LifecycleTopic(bootstrap=stack.env("tests")["MCSP_KAFKA_BOOTSTRAP"])


@pytest.fixture
async def end(topic: LifecycleTopic) -> Cursor:
    """The present end of the topic: what other tests said stands before it."""
    cursor = Cursor()
    while (step := await asyncio.to_thread(topic.read, cursor)).messages:
        cursor = step.cursor
    return step.cursor


@pytest.fixture
async def producer(topic: LifecycleTopic) -> AsyncIterator[AIOKafkaProducer]:
    async with open_producer(topic.bootstrap, name="test") as opened:
        yield opened


@pytest.fixture
def tell(producer: AIOKafkaProducer) -> Tell:
    """Say on ``media.lifecycle`` that something of an hour changed."""

    async def say(
        hour: datetime, event: str = "item", status: str = "processing", media: UUID | None = None
    ) -> None:
        media = media or uuid7()
        message = msgspec.convert(
            {
                "media_id": media, "source_version": 1, "event": event, "status": status,
                "partition_at": hour, "at": datetime.now(UTC),
            },
            Lifecycle,
        )  # fmt: skip
        await producer.send_and_wait(MEDIA_LIFECYCLE.name, msgspec.json.encode(message), key=media.bytes)

    return say


@pytest.fixture
def dagster_on_postgres(
    postgres_server: Server, database: str, tmp_path: Path
) -> Iterator[dg.DagsterInstance]:
    """A Dagster instance whose storage is PostgreSQL, as the stack's is."""
    url = postgres_server.dsn("mcsp", database)
    (tmp_path / "dagster.yaml").write_text(f"storage:\n  postgres:\n    postgres_url: {url}\n")
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        yield instance
