"""Promises of clearing up after a rung that was given up: never beside somebody who makes it again."""

import asyncio

import pytest

from media_ops import keys
from media_ops.ledger import endings, purging
from media_ops.ledger.leases import Lease
from tests.media_ops.items import HIGH, PERMANENT, Item, new_item, two_step_plan

WAITING = """
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
STATE = "SELECT state FROM media_ops.rendition WHERE media_id = $1 AND digest = $2"


@pytest.fixture
async def item(pool) -> Item:
    item = await new_item(pool)
    await item.planned(two_step_plan(rest=(HIGH,)))
    return item


async def _die(item: Item) -> Lease:
    """The rung of the encode slot fails for good after two of its segments were published."""
    lease = await item.taken("encode")
    await item.publish(lease, range(2))
    assert await endings.fail(item.pool, lease, PERMANENT) == "dead"
    return lease


async def test_a_rung_that_was_given_up_loses_what_no_row_stands_for(pool, item) -> None:
    digest = (await _die(item)).rungs[0]
    kept: list[set[str]] = []

    async def clear(wanted: set[str]) -> None:
        kept.append(wanted)

    assert await purging.prune(pool, item.media_id, digest, clear)
    segments = {keys.segment(item.media_id, digest, number) for number in range(2)}
    assert kept == [{keys.init(item.media_id, digest), *segments}]


async def test_a_retry_waits_until_the_objects_are_gone(pool, item) -> None:
    """Else it would find a segment stored, write its row, and see the object deleted."""
    lease = await _die(item)
    digest, begun = lease.rungs[0], list[asyncio.Task[bool]]()

    async def clear(_: set[str]) -> None:
        ask = "SELECT media_ops.replay_job($1)"
        begun.append(asyncio.create_task(pool.fetchval(ask, lease.job_id)))
        while not await pool.fetchval(WAITING):
            assert not begun[0].done()
        assert await pool.fetchval(STATE, item.media_id, digest) == "failed"

    assert await purging.prune(pool, item.media_id, digest, clear)
    assert await begun[0]
    assert await pool.fetchval(STATE, item.media_id, digest) == "queued"


async def test_a_rung_that_lives_again_is_left_alone(pool, item) -> None:
    """A purge that was due, or had begun, before the retry."""
    lease = await _die(item)
    assert await pool.fetchval("SELECT media_ops.replay_job($1)", lease.job_id)

    async def clear(_: set[str]) -> None:
        raise AssertionError("objects of a rung that is made again were to be deleted")

    assert not await purging.prune(pool, item.media_id, lease.rungs[0], clear)
    await item.make_due()
    again = await item.taken("encode")
    await item.publish(again, range(4))
    await endings.complete(pool, again)
    assert not await purging.prune(pool, item.media_id, lease.rungs[0], clear)
