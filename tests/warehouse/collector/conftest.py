"""Fixtures of the collector's tests: a topic of the test's own, and collectors that read it."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.handle import StackHandle
from mcsp.ids import uuid7
from tests.streaming_api.processes import Running
from tests.warehouse.collector.sending import Sent

Start = Callable[..., Running]


@pytest.fixture
async def sent(stack: StackHandle) -> AsyncIterator[Sent]:
    servers = stack.env("tests")["MCSP_KAFKA_BOOTSTRAP"]
    topic = f"events.test-{uuid7().hex[-12:]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 4, 1)])
    async with AIOKafkaProducer(bootstrap_servers=servers, acks="all") as producer:
        yield Sent(stack, topic, producer)
    await admin.delete_topics([topic])
    await admin.close()


@pytest.fixture
def collector(stack: StackHandle, sent: Sent, tmp_path: Path) -> Start:
    """Makes a collector of the topic: a context manager that runs it."""

    def start(name: str = "one", *, commit_s: float = 0.5) -> Running:
        command = ("collector", "--topic", sent.topic, "--name", name)
        log = tmp_path / f"{name}-{len(list(tmp_path.iterdir()))}.log"
        return Running(stack, "collector", command, log, MCSP_LAKE__COMMIT_S=str(commit_s))

    return start
