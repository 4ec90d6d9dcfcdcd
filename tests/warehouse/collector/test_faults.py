"""Promises of the collector when real things are killed: afterwards the stores have exactly what was sent."""

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer

from deploy.handle import StackHandle
from tests.warehouse.collector.conftest import Start
from tests.warehouse.collector.sending import Sent
from tests.warehouse.collector.waiting import (
    assert_both_equal,
    readiness,
    until_equal,
    until_held_up,
    until_more,
)
from warehouse.collector.columns import for_bronze
from warehouse.collector.messages import Message, read
from warehouse.lake.bronze import Bronze

pytestmark = [pytest.mark.stack, pytest.mark.fault]


async def test_killed_after_clickhouse_and_before_the_lake(sent: Sent, collector: Start) -> None:
    with collector(commit_s=3600) as first:
        await sent.send(100)
        await until_equal(sent.in_clickhouse, sent.rows)
        first.kill()
    assert sent.in_lake() == []
    with collector():
        await sent.send(20)
        await assert_both_equal(sent)


async def test_killed_again_and_again_while_it_commits(sent: Sent, collector: Start) -> None:
    for _ in range(3):
        with collector(commit_s=0.05) as process:
            before = len(sent.rows)
            await sent.send(60)
            await until_more(sent.in_clickhouse, before)
            process.kill()
    with collector():
        await assert_both_equal(sent)


async def test_two_collectors_at_once_and_one_of_them_killed(sent: Sent, collector: Start) -> None:
    with collector("one", commit_s=0.2) as one:
        await sent.send(40)
        with collector("two", commit_s=0.2):
            await sent.send(100)
            one.kill()
            await sent.send(40)
            await assert_both_equal(sent)


async def test_clickhouse_down_holds_up_neither_the_lake_nor_anything_for_good(
    stack: StackHandle, sent: Sent, collector: Start
) -> None:
    with collector() as process:
        await sent.send(20)
        await assert_both_equal(sent)
        with stack.held_down("clickhouse"):
            await sent.send(20)
            await until_equal(sent.in_lake, sent.rows)
            lanes = await readiness(process.url)
            assert (lanes["clickhouse"]["state"], lanes["lake"]["state"]) == ("down", "up")
        await sent.send(20)
        await assert_both_equal(sent)


async def test_the_object_store_down_during_a_commit_holds_up_the_lake_alone(
    stack: StackHandle, sent: Sent, collector: Start
) -> None:
    with collector(commit_s=0.2) as process:
        await sent.send(20)
        await assert_both_equal(sent)
        sending = asyncio.create_task(sent.send(200))
        with stack.held_down("s3"):
            await sending
            await until_equal(sent.in_clickhouse, sent.rows)
            await until_held_up(process.url, "lake")
        await assert_both_equal(sent)


async def test_kafka_killed_and_back(stack: StackHandle, sent: Sent, collector: Start) -> None:
    with collector():
        await sent.send(20)
        await asyncio.to_thread(stack.kill_and_wait, "kafka")
        await sent.send(20)
        await assert_both_equal(sent)


async def test_of_two_writers_with_the_same_rows_one_writes_them(sent: Sent, collector: Start) -> None:
    """Both have read the table before either commits: the second one's commit is refused by the log."""
    await sent.send(30)
    rows, last = for_bronze(messages := await _messages(sent)), _last(messages)
    writers = [Bronze(sent.lake) for _ in range(4)]
    for writer in writers:
        writer.offsets(sent.topic, last)
    written = await asyncio.gather(
        *(asyncio.to_thread(writer.append, sent.topic, rows, last) for writer in writers)
    )
    assert sorted(written) == [0, 0, 0, len(sent.rows)]
    assert sent.in_lake() == sorted(sent.rows)


async def test_a_writer_that_is_partly_behind_adds_only_what_is_missing(sent: Sent) -> None:
    await sent.send(30)
    messages = await _messages(sent)
    half = [message for message in messages if message.offset % 2 == 0 and message.partition < 2]
    half = [m for m in messages if any(m.partition == h.partition and m.offset <= h.offset for h in half[:3])]
    Bronze(sent.lake).append(sent.topic, for_bronze(half), _last(half))
    Bronze(sent.lake).append(sent.topic, for_bronze(messages), _last(messages))
    assert half
    assert sent.in_lake() == sorted(sent.rows)


async def test_a_lake_that_is_ahead_of_kafka_is_told_and_never_written_over(
    sent: Sent, collector: Start
) -> None:
    await sent.send(4)
    messages = await _messages(sent)
    Bronze(sent.lake).append(sent.topic, for_bronze(messages), dict.fromkeys(range(4), 1000))
    with collector(commit_s=0.1) as process:
        await until_equal(sent.in_clickhouse, sent.rows)
        await until_held_up(process.url, "lake", "store_ahead")
    assert sent.in_lake() == sorted(sent.rows)


async def _messages(sent: Sent) -> list[Message]:
    """All that is on the topic."""
    found: list[Message] = []
    servers = sent.stack.env("tests")["MCSP_KAFKA_BOOTSTRAP"]
    async with AIOKafkaConsumer(
        sent.topic, bootstrap_servers=servers, auto_offset_reset="earliest"
    ) as consumer:
        while sum(len(message.received.events) for message in found) < len(sent.rows):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += map(read, records)
    return found


def _last(messages: list[Message]) -> dict[int, int]:
    return {message.partition: message.offset for message in sorted(messages, key=lambda one: one.offset)}
