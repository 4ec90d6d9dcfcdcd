"""Promises of putting jobs: what waits gets one, whatever became of the last; what runs is left alone."""

import asyncpg

from media_ops.ledger import endings
from media_ops.ledger.leases import keep
from media_ops.ledger.plan import plan_source
from media_ops.recipes import Recipe
from tests.media_ops.items import (
    DESCRIPTION,
    HIGH,
    MIDDLE,
    PERMANENT,
    Item,
    new_item,
    two_step_plan,
)

PUT = "SELECT media_ops.put_job($1, $2, $3, $4, $5, $6)"


async def _published(item: Item) -> None:
    """The opening rungs play."""
    await item.publish(opening := await item.taken())
    await endings.complete(item.pool, opening)
    await item.render()


async def _plan_again(item: Item, recipe: int, *, small: bool = False) -> None:
    ask = "SELECT media_ops.enqueue_missing($1, $2)"
    assert await item.pool.fetchval(ask, item.media_id, f"standard@{recipe}") == 1
    rest = (MIDDLE,) if small else (HIGH,)
    await plan_source(
        item.pool, await item.taken(), DESCRIPTION, two_step_plan(Recipe("standard", recipe), rest)
    )


async def test_a_rung_that_a_recipe_brings_back_is_made_though_its_job_had_died(pool) -> None:
    item = await new_item(pool)
    await item.planned(two_step_plan(rest=(HIGH,)))
    await _published(item)
    dead = await item.taken("encode")
    assert await endings.fail(pool, dead, PERMANENT) == "dead"
    await _plan_again(item, 2, small=True)
    await _plan_again(item, 1)
    assert await item.stuck() == []
    again = await item.taken("encode")
    assert (again.job_id, again.rungs, again.attempts) == (dead.job_id, dead.rungs, 0)


async def test_a_rung_that_waits_beside_a_dead_job_is_found_missing(pool) -> None:
    item = await new_item(pool)
    await item.planned(two_step_plan(rest=(HIGH,)))
    await _published(item)
    lease = await item.taken("encode")
    await endings.fail(pool, lease, PERMANENT)
    await pool.execute("UPDATE media_ops.rendition SET state = 'queued' WHERE digest = $1", lease.rungs[0])
    assert await item.stuck() == ["rung_without_job"]
    assert await pool.fetchval("SELECT media_ops.enqueue_missing($1)", item.media_id) == 1
    assert await item.stuck() == []


async def _row(pool: asyncpg.Pool, job_id: object) -> asyncpg.Record:
    return await pool.fetchrow("SELECT * FROM media_ops.job WHERE job_id = $1", job_id)


async def test_a_split_gives_each_rung_all_its_tries_and_leaves_a_running_one_alone(pool) -> None:
    item = await new_item(pool)
    await item.planned()
    await _published(item)
    both = await item.taken("encode")
    for digest in both.rungs:
        await pool.fetchval(PUT, item.media_id, 1, "encode", "video", "encode", [digest])
    spent, running = await item.taken("encode"), await item.taken("encode", "worker-2")
    await pool.execute(
        """UPDATE media_ops.job SET state = 'dead', attempts = 5, lost_leases = 7, lease_token = NULL
           WHERE job_id = $1""",
        spent.job_id,
    )
    assert await endings.fail(pool, both, PERMANENT) == "cancelled"
    fresh = await _row(pool, spent.job_id)
    assert (fresh["state"], fresh["attempts"], fresh["lost_leases"]) == ("queued", 0, 0)
    await keep(pool, running, 0.5)
    assert (await _row(pool, running.job_id))["state"] == "running"


async def test_a_dead_inspect_waits_for_its_replay_and_art_is_drawn_once(pool) -> None:
    item = await new_item(pool)
    await item.planned()
    inspect = (await item.jobs("inspect"))[0]
    await pool.execute("UPDATE media_ops.job SET state = 'dead' WHERE job_id = $1", inspect["job_id"])
    assert not await pool.fetchval(PUT, item.media_id, 1, "inspect", "inspect", "quick", [])
    await pool.execute("UPDATE media_ops.job SET state = 'done' WHERE kind IN ('art', 'inspect')")
    assert not await pool.fetchval(PUT, item.media_id, 1, "art", "video", "quick", [])
    assert await pool.fetchval(PUT, item.media_id, 1, "inspect", "inspect", "quick", [])
    assert (await _row(pool, inspect["job_id"]))["priority"] == 0


async def test_a_rung_that_dies_again_is_cleared_up_after_again(pool) -> None:
    """Even while the purge of its first death runs, which may have passed by when the rung lived."""
    item = await new_item(pool)
    await item.planned(two_step_plan(rest=(HIGH,)))
    await _published(item)
    lease = await item.taken("encode")
    await endings.fail(pool, lease, PERMANENT)
    await item.make_due()
    assert (await item.taken()).kind == "art"
    purge = await item.taken()
    assert purge.kind == "purge"
    assert await pool.fetchval("SELECT media_ops.replay_job($1)", lease.job_id)
    await endings.fail(pool, await item.taken("encode"), PERMANENT)
    row = await _row(pool, purge.job_id)
    assert (row["state"], row["lease_token"]) == ("queued", None)
