"""Servers that are away while an item is on its way through API, relay and worker: it still ends whole."""

import asyncio
import json
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import asyncpg
import pytest

from mcsp.contracts.topics import MEDIA_JOBS
from mcsp.ids import uuid7
from mcsp.kafka import open_consumer
from tests.media_ops.worker.workbench import Workbench, until

pytestmark = [pytest.mark.stack, pytest.mark.fault]

LONG_S = 60
"""How long after `complete` Kafka stays away at the least."""
MESSAGES = 4000
"""Eight batches of the relay: enough to find it in the middle of one."""
WAITING = "SELECT count(*) FROM outbox.message WHERE key = $1"


@pytest.fixture
async def admin(bench: Workbench) -> AsyncIterator[asyncpg.Pool]:
    """Sees every schema of the database."""
    async with asyncpg.create_pool(bench.settings.dsn_of("admin_content"), min_size=0, max_size=3) as pool:
        yield pool


async def test_the_object_store_down_in_the_middle_of_a_rung(bench: Workbench, other: Path) -> None:
    media_id, _ = await bench.in_the_middle(other, "encode")
    await bench.begun_rung(media_id)
    failed = """SELECT last_error ->> 'code' FROM media_ops.job
                WHERE media_id = $1 AND kind = 'encode' AND attempts > 0 LIMIT 1"""
    async with bench.hold_down("s3"):
        code = await until(lambda: bench.ask(failed, media_id), "an attempt fails without the store")
        assert code in ("store_down", "source_unreadable")
        assert await bench.status(media_id) in ("processing", "playable")
    await bench.assert_whole(media_id)


async def test_kafka_down_at_complete_and_for_long_after(
    bench: Workbench, streamable: Path, other: Path, admin: asyncpg.Pool
) -> None:
    """`complete` goes through the API; workers find each item by themselves; what waited is sent later."""
    waited = """SELECT min(created_at) < now() - make_interval(secs => $2)
                FROM outbox.message WHERE key = $1"""
    async with bench.hold_down("kafka"):
        media_id = await bench.upload(streamable)
        await bench.reached(media_id, "ready")
        later = await bench.upload(other)
        await bench.reached(later, "ready")
        await until(lambda: admin.fetchval(waited, str(media_id), LONG_S), f"Kafka away for {LONG_S} s")
        last = await bench.upload(streamable)
        await bench.reached(last, "ready")
        assert not await _none_waits(admin, str(media_id))
    for one in (media_id, later, last):
        await until(partial(_none_waits, admin, str(one)), "the relay has sent what waited")
        await bench.assert_whole(one)


async def test_postgres_killed_inside_the_transaction_of_complete_and_a_client_that_repeats(
    bench: Workbench, streamable: Path, admin: asyncpg.Pool
) -> None:
    sent = await bench.sent(await asyncio.to_thread(streamable.read_bytes))
    holding = await asyncpg.connect(bench.settings.dsn_of("admin_content"))
    await holding.execute("BEGIN")
    await holding.execute("UPDATE content.media SET title = title WHERE media_id = $1", sent.media_id)
    answering = asyncio.create_task(sent.answer())
    stands = """SELECT count(*) > 0 FROM pg_stat_activity
                WHERE wait_event_type = 'Lock' AND usename = 'uploads'"""
    await until(lambda: admin.fetchval(stands), "complete stands inside its transaction")
    async with bench.hold_down("postgres"):
        answer = await answering
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
        assert (await sent.answer()).status_code == 503
    holding.terminate()

    async def accepted() -> bool:
        return (await sent.answer()).status_code == 202

    await until(accepted, "complete, repeated, is accepted")
    await bench.assert_whole(sent.media_id)
    assert await bench.ask("SELECT count(*) FROM media_ops.source WHERE media_id = $1", sent.media_id) == 1


async def test_postgres_down_while_segments_are_published(bench: Workbench, other: Path) -> None:
    media_id, job = await bench.in_the_middle(other, "encode")
    await bench.begun_rung(media_id)
    before = _times_away(bench, job["leased_by"])

    async def noticed() -> bool:
        return _times_away(bench, job["leased_by"]) > before

    async with bench.hold_down("postgres"):
        await until(noticed, "the worker notices that the database is away")
    await bench.assert_whole(media_id)


async def test_relay_and_sweeper_down_from_complete_until_the_item_is_ready(
    bench: Workbench, streamable: Path
) -> None:
    async with bench.hold_down("relay", "sweeper"):
        media_id = await bench.upload(streamable)
        await bench.reached(media_id, "ready")
    await bench.assert_whole(media_id)


async def test_a_relay_killed_in_the_middle_of_a_batch_loses_and_reorders_nothing(
    bench: Workbench, streamable: Path, admin: asyncpg.Pool
) -> None:
    async with open_consumer(
        bench.settings.kafka_bootstrap, [MEDIA_JOBS], group=None, name="tests", from_start=True
    ) as consumer:
        key = str(uuid7())
        media_id = await bench.upload(streamable)
        put = """SELECT count(outbox.put($1, $2::text, jsonb_build_object('n', n, 'job_id', $2::text)))
                 FROM generate_series(1, $3) n"""
        await admin.fetchval(put, MEDIA_JOBS.name, key, MESSAGES)
        await until(lambda: _in_the_middle(admin, key), "the relay is in the middle")
        killed = bench.stack.kill("relay")
        assert await admin.fetchval(WAITING, key) > 0, "it had sent everything before it was killed"
        seen: dict[int, None] = {}
        while len(seen) < MESSAGES:
            message = await asyncio.wait_for(anext(consumer), 120)
            if message.key == key.encode():
                seen.setdefault(json.loads(message.value or b"")["n"])
    assert list(seen) == list(range(1, MESSAGES + 1))
    await until(lambda: _none_waits(admin, key), "the outbox is empty")
    await asyncio.to_thread(bench.stack.wait_ready, "relay", other_than=killed)
    await bench.assert_whole(media_id)


async def _none_waits(admin: asyncpg.Pool, key: str) -> bool:
    return await admin.fetchval(WAITING, key) == 0


async def _in_the_middle(admin: asyncpg.Pool, key: str) -> bool:
    return 0 < await admin.fetchval(WAITING, key) < MESSAGES


def _times_away(bench: Workbench, worker: str) -> int:
    return sum("database away" in line["event"] for line in bench.lines(worker))
