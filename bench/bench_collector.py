"""Rows that the collector loads from Kafka into both stores at once, when it has fallen behind."""

import asyncio
import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from bench.registry import Row, Rows, at_least, bench
from bench.stack import Stack
from mcsp.contracts.events import Heartbeat, Received
from mcsp.ids import uuid7

MESSAGES, EACH = 10_000, 20
PORT_OFFSET = 60
LANES = ("clickhouse", "lake")
WITHIN_S = 120.0


@bench("Loading of events", needs_stack=True)
async def collector(stack: Stack) -> Rows:
    """A topic of its own with 200,000 heartbeats, then a second collector that commits every 2 s; counted
    from when it answers, so that finding its partitions is in the figure and Python's start is not."""
    topic = f"events.bench-{uuid7().hex[-12:]}"
    await _fill(stack, topic)
    with _collector(stack, topic) as url:
        seconds = await _all_loaded(url)
    rows = MESSAGES * EACH
    goal = at_least(30_000)
    return [Row(f"rows into {lane}", rows / seconds[lane], "rows/s", goal, "both at once") for lane in LANES]


async def _fill(stack: Stack, topic: str) -> None:
    servers = stack.handle.env("tests")["MCSP_KAFKA_BOOTSTRAP"]
    admin = AIOKafkaAdminClient(bootstrap_servers=servers)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 4, 1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=servers, acks="all", linger_ms=5) as producer:
        sends = [
            await producer.send(topic, msgspec.json.encode(_message(n)), key=f"s{n}".encode())
            for n in range(MESSAGES)
        ]
        await asyncio.gather(*sends)


def _message(number: int) -> Received:
    now = datetime.now(UTC)
    beats = tuple(
        Heartbeat(event_id=uuid4(), client_time=now, time=now, position_s=5.0 * n,
                  watched=((5.0 * n - 5, 5.0 * n),), buffer_ms=12_000, dropped_frames=0)
        for n in range(1, EACH + 1)
    )  # fmt: skip
    return Received(
        received_at=now, received_by="bench", request_id="bench", session_id=f"s{number}", media_id=uuid7(),
        viewer=uuid4().hex, started_at=now, country="NG", network="public", device="phone", agent="Firefox",
        source="home", events=beats,
    )  # fmt: skip


@contextmanager
def _collector(stack: Stack, topic: str) -> Iterator[str]:
    port = stack.handle.port_base + PORT_OFFSET
    variables = {"MCSP_SERVICE_PORT": str(port), "MCSP_LAKE__COMMIT_S": "2"}
    process = subprocess.Popen(  # noqa: S603 -- our own command
        stack.handle.context.command("collector", "--topic", topic, "--name", "bench"),
        env={**os.environ, **stack.handle.env("collector"), **variables},
        stdout=subprocess.DEVNULL,
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


async def _all_loaded(url: str) -> dict[str, float]:
    """Seconds from its first answer until each lane has counted every row. Raises TimeoutError."""
    began, seconds = 0.0, {}
    async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(WITHIN_S):
        while len(seconds) < len(LANES):
            await asyncio.sleep(0.05)
            try:
                text = (await client.get(f"{url}/metrics")).text
            except httpx.ConnectError:
                continue  # it has not started yet
            began = began or time.monotonic()
            for lane in LANES:
                counted = re.search(rf'mcsp_collector_rows_total{{lane="{lane}"}} ([\d.e+]+)', text)
                if counted and float(counted[1]) >= MESSAGES * EACH:
                    seconds.setdefault(lane, time.monotonic() - began)
    return seconds
