"""A job in the ledger belongs to the trace of whoever put it, and so does every message of it."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from opentelemetry import trace

from mcsp.ids import uuid7
from mcsp.telemetry.traces import continued
from media_ops.ledger import endings, losses
from media_ops.worker.spans import job_span
from tests.media_ops.items import TRANSIENT, Item
from tests.media_ops.postgres import Server

REQUEST, RETRY = ({"traceparent": f"00-{digit * 32}-{digit * 16}-01"} for digit in "ab")
AS_CALLERS = "SELECT set_config('mcsp.trace', $1::jsonb::text, true)"


@pytest.fixture
async def outbox(postgres_server: Server, database: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(postgres_server.dsn("outbox", database))
    yield connection
    await connection.close()


async def _called(pool: asyncpg.Pool, carrier: dict[str, str], statement: str, *arguments: object) -> None:
    """A published function called as services do: the transaction carries the trace of the request."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(AS_CALLERS, carrier)
        await connection.execute(statement, *arguments)


async def _item(pool: asyncpg.Pool) -> Item:
    """An item put by ``REQUEST``."""
    media_id = uuid7()
    enqueue = (
        "SELECT media_ops.enqueue_source($1, $2, 'mcsp-source', 'key', 'etag', 10, 'a.mp4', 'video/mp4')"
    )
    await _called(pool, REQUEST, enqueue, media_id, uuid7())
    return Item(pool, media_id)


async def _trace_ids(outbox: asyncpg.Connection, item: Item, topic: str) -> set[str | None]:
    """Trace ids of all messages of an item on a topic."""
    rows = await outbox.fetch(
        """SELECT split_part(headers ->> 'traceparent', '-', 2) AS trace_id FROM outbox.message
           WHERE key = $1 AND topic = $2""", str(item.media_id), topic,
    )  # fmt: skip
    return {row["trace_id"] for row in rows}


async def test_an_inspect_job_its_wake_and_its_lifecycle_carry_the_request(pool, outbox) -> None:
    item = await _item(pool)
    assert (await item.taken()).trace == REQUEST
    assert await _trace_ids(outbox, item, "media.jobs") == {"a" * 32}
    assert await _trace_ids(outbox, item, "media.lifecycle") == {"a" * 32}


async def test_what_an_inspect_plans_is_caused_by_the_inspect_in_the_trace_of_the_request(
    pool, outbox
) -> None:
    item = await _item(pool)
    with continued(REQUEST), job_span(await item.taken()) as span:
        await pool.execute("UPDATE media_ops.job SET state = 'queued' WHERE media_id = $1", item.media_id)
        await item.planned()
        inspecting = span.get_span_context()
    planned = await pool.fetch(
        "SELECT trace FROM media_ops.job WHERE media_id = $1 AND kind <> 'inspect'", item.media_id
    )
    version, trace_id, cause, _ = planned[0]["trace"]["traceparent"].split("-")
    assert (version, trace_id) == ("00", "a" * 32)
    assert cause == trace.format_span_id(inspecting.span_id)
    assert {row["trace"]["traceparent"] for row in planned} == {planned[0]["trace"]["traceparent"]}
    assert await _trace_ids(outbox, item, "media.jobs") == {"a" * 32}


async def test_an_attempt_after_a_failure_continues_the_trace_and_a_retry_begins_its_own(pool) -> None:
    item = await _item(pool)
    for _ in range(endings.ATTEMPTS):
        lease = await item.taken()
        assert lease.trace == REQUEST
        await endings.fail(pool, lease, TRANSIENT)
        await item.make_due()
    assert await item.state() == "failed"
    await _called(pool, RETRY, "SELECT media_ops.retry_media($1)", item.media_id)
    assert (await item.taken()).trace == RETRY


async def test_a_job_that_nobody_with_a_trace_puts_again_forgets_the_old_one(pool) -> None:
    item = await _item(pool)
    await item.planned()
    assert await pool.fetchval("SELECT media_ops.plan_again($1)", item.media_id)
    assert (await item.taken()).trace == {}


async def test_a_job_that_killed_its_workers_dies_in_its_own_trace(pool, outbox) -> None:
    item = await _item(pool)
    for _ in range(losses.LOST_LEASES):
        await item.taken()
        await item.run_out()
        await losses.reclaim(pool)
    assert await item.state() == "failed"
    assert await _trace_ids(outbox, item, "media.jobs.dlq") == {"a" * 32}
