"""Promises about messages that cannot be loaded: they hold nobody up, are kept byte for byte, come back."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from click.testing import CliRunner

from mcsp.contracts.topics import EVENTS_DLQ
from mcsp.settings import settings
from tests.warehouse.collector.conftest import Start
from tests.warehouse.collector.sending import Sent, impression, received
from tests.warehouse.collector.waiting import assert_both_equal
from warehouse.cli import replay
from warehouse.collector import messages
from warehouse.collector.messages import PoisonError, read


def _record(value: bytes) -> ConsumerRecord:
    return ConsumerRecord("t", 0, 7, 0, 0, None, value, None, 0, len(value), ())


def _changed(change: Callable[[dict[str, Any]], object]) -> bytes:
    told = msgspec.to_builtins(received("s", (impression(),)))
    change(told)
    return msgspec.json.encode(told)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (b"", "unreadable"),
        (b"not json", "unreadable"),
        (b'{"version": 1}', "unreadable"),
        (b"\xff\xfe", "unreadable"),
        (_changed(lambda told: told["events"][0].update(type="dance")), "unreadable"),
        (_changed(lambda told: told.update(viewer="short")), "unreadable"),
        (_changed(lambda told: told.update(version=2)), "unknown_version"),
        (_changed(lambda told: told.update(received_at="1999-01-01T00:00:00Z")), "impossible_time"),
        (_changed(lambda told: told["events"][0].update(time="9999-01-01T00:00:00Z")), "impossible_time"),
    ],
)
def test_what_cannot_be_loaded_is_known_by_a_code(value: bytes, code: str) -> None:
    with pytest.raises(PoisonError) as told:
        read(_record(value))
    assert told.value.code == code


def test_a_good_message_is_no_poison() -> None:
    assert read(_record(_changed(lambda told: None))).offset == 7


async def _set_aside(sent: Sent) -> list[ConsumerRecord]:
    """What of the topic is on ``events.dlq``, oldest first."""
    servers = sent.stack.env("tests")["MCSP_KAFKA_BOOTSTRAP"]
    async with AIOKafkaConsumer(
        EVENTS_DLQ.name, bootstrap_servers=servers, auto_offset_reset="earliest"
    ) as consumer:
        [partition] = consumer.assignment()
        end = (await consumer.end_offsets([partition]))[partition]
        found: list[ConsumerRecord] = []
        while await consumer.position(partition) < end:
            found += (await consumer.getmany(timeout_ms=500)).get(partition, [])
    return [record for record in found if dict(record.headers)["topic"] == sent.topic.encode()]


@pytest.mark.stack
async def test_poison_stops_nobody_and_is_kept_with_its_reason(sent: Sent, collector: Start) -> None:
    garbage = uuid4().bytes
    with collector(commit_s=0.2) as process:
        await sent.send(10)
        at = await sent.raw(garbage, b"its key")
        await sent.send(10)
        await assert_both_equal(sent)
        async with httpx.AsyncClient() as client:
            counted = (await client.get(f"{process.url}/metrics")).text
    [record] = await _set_aside(sent)
    headers = dict(record.headers)
    assert record.value == garbage
    assert record.key == f"{sent.topic}/{at[0]}/{at[1]}".encode()
    assert (headers["code"], headers["key"]) == (b"unreadable", b"its key")
    assert headers["reason"]
    for lane in ("clickhouse", "lake"):
        assert f'mcsp_collector_poison_total{{code="unreadable",lane="{lane}"}} 1.0' in counted


@pytest.mark.stack
async def test_a_replay_puts_back_what_can_be_read_by_now_and_keeps_the_rest(
    sent: Sent, collector: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = _changed(lambda told: told.update(version=2))
    with collector(commit_s=0.1):
        await sent.raw(newer, b"s")
        await sent.raw(b"garbage")
        await sent.send(4)
        await assert_both_equal(sent)
    for name, value in sent.stack.env("collector").items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    monkeypatch.setattr(messages, "VERSIONS", frozenset({1, 2}))
    done = await asyncio.to_thread(CliRunner().invoke, replay)
    settings.cache_clear()
    assert done.exit_code == 0, done.output
    told = [line for line in done.output.splitlines() if sent.topic in line]
    assert [line.split()[0] for line in told] == ["again", "stays"]
    records = [record.value for record in await _on_topic(sent)]
    assert records.count(newer) == 2
    assert records.count(b"garbage") == 1
    assert sorted(record.value or b"" for record in await _set_aside(sent)) == [b"garbage", b"garbage", newer]


async def _on_topic(sent: Sent) -> list[ConsumerRecord]:
    servers = sent.stack.env("tests")["MCSP_KAFKA_BOOTSTRAP"]
    async with AIOKafkaConsumer(
        sent.topic, bootstrap_servers=servers, auto_offset_reset="earliest"
    ) as consumer:
        ends = await consumer.end_offsets(list(consumer.assignment()))
        found: list[ConsumerRecord] = []
        while len(found) < sum(ends.values()):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += records
    return found
