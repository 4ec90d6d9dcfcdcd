"""Kafka killed or frozen: 503 at once, memory stays bounded, and no acknowledged event is lost."""

import asyncio
import signal
from datetime import UTC, datetime
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest

from deploy.handle import StackHandle
from mcsp.contracts.events import Heartbeat, Received
from mcsp.errors import UnavailableError
from streaming_api.events.sender import Sender
from tests.streaming_api.api import ApiProcess, await_true
from tests.streaming_api.events.topic import beat, messages, received

pytestmark = [pytest.mark.stack, pytest.mark.fault]


class Teller:
    """Sends heartbeats, and remembers which were acknowledged."""

    def __init__(self, api: ApiProcess, item: UUID, session: str) -> None:
        self._url, self._item, self._session = api.url, item, session
        self.acknowledged: list[str] = []

    def tell(self) -> httpx.Response:
        told = beat(self._item, self._session, 0, 1)
        answer = httpx.post(f"{self._url}/v1/events", json={"events": [told]}, timeout=30)
        if answer.status_code == 202:
            self.acknowledged.append(told["event_id"])
        return answer

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self._url + path)

    def is_taken(self) -> bool:
        return self.tell().status_code == 202


async def test_while_kafka_is_killed_events_are_refused_at_once_and_none_acknowledged_is_lost(
    api: ApiProcess, stack: StackHandle, item: UUID, session: str, kafka: str
) -> None:
    teller = Teller(api, item, session)
    for _ in range(20):
        assert teller.tell().status_code == 202
    with stack.held_down("kafka"):
        first = teller.tell()
        assert first.status_code == 503
        refused = [teller.tell() for _ in range(20)]
        assert {answer.status_code for answer in refused} == {503}
        assert all(int(answer.headers["retry-after"]) >= 1 for answer in [first, *refused])
        assert {answer.json()["code"] for answer in refused} == {"events_unavailable"}
        assert all(answer.json()["retryable"] for answer in refused)
        assert teller.get(f"/v1/playback/{item}").status_code == 200
        ready = teller.get("/readyz")
        assert ready.status_code == 200
        assert ready.json()["dependencies"]["kafka"]["state"] == "down"
    await_true(teller.is_taken, "events are taken again")
    for _ in range(20):
        assert teller.tell().status_code == 202
    kept = {str(one.event_id) for _, message in await received(kafka, item) for one in message.events}
    assert set(teller.acknowledged) <= kept
    assert len(teller.acknowledged) >= 41


async def test_a_killed_kafka_between_requests_loses_nothing(
    api: ApiProcess, stack: StackHandle, item: UUID, session: str, kafka: str
) -> None:
    teller = Teller(api, item, session)
    pid = stack.kill("kafka")

    def tell_until_it_is_back() -> bool:
        teller.tell()
        now = stack.service("kafka")
        return now.state == "healthy" and now.pid != pid

    await_true(tell_until_it_is_back, "kafka is back")
    await_true(teller.is_taken, "events are taken again")
    kept = [str(one.event_id) for _, message in await received(kafka, item) for one in message.events]
    assert set(teller.acknowledged) <= set(kept)


def large(session: str) -> bytes:
    """A message of about 100 kB, as good as any other that readers of the topic meet."""
    now = datetime.now(UTC)
    watched = ((0.0, 1.0),) * 1000
    heartbeat = Heartbeat(event_id=uuid4(), client_time=now, time=now, position_s=1, watched=watched)
    message = Received(
        received_at=now, received_by="tests", request_id="", session_id=session, media_id=uuid4(),
        viewer="0" * 32, started_at=now, country=None, network=None, device="unknown", agent=None,
        source=None, events=(heartbeat,) * 10,
    )  # fmt: skip
    return msgspec.json.encode(message)


async def test_a_frozen_kafka_holds_no_more_memory_than_stated(stack: StackHandle, kafka: str) -> None:
    most, acknowledged, highest = 10 * len(large("")), list[str](), 0

    async def tell(sender: Sender) -> str:
        nonlocal highest
        mark = uuid4().hex
        try:
            await sender.send([(mark.encode(), large(mark))])
        except UnavailableError as refused:
            return refused.code
        finally:
            highest = max(highest, sender.pending)
        acknowledged.append(mark)
        return ""

    async with Sender(kafka, "frozen", ack_s=0.5, most_pending=most).running() as sender:
        assert await tell(sender) == ""
        pid = stack.kill("kafka", signal.SIGSTOP)
        try:
            codes = await asyncio.gather(*(tell(sender) for _ in range(60)))
            assert {"events_busy", "events_unavailable"} == set(codes)
            assert await tell(sender) == "events_unavailable"
        finally:
            if stack.service("kafka").pid == pid:
                stack.kill("kafka", signal.SIGCONT)
        assert 0 < highest <= most
        await asyncio.to_thread(stack.wait_ready, "kafka")
        async with asyncio.timeout(60):
            while await tell(sender):  # noqa: ASYNC110 -- what is waited for is another process
                await asyncio.sleep(0.05)
    assert len(acknowledged) >= 2
    kept = {key for key, _ in await messages(kafka)}
    assert set(acknowledged) <= kept
    assert sender.pending == 0
