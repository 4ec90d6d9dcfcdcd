"""A system in which nobody works shows in ``never_stuck`` and in its metric, however many jobs it has."""

import pytest
from prometheus_client import REGISTRY

from media_ops import sweeps
from media_ops.ledger import endings, losses
from tests.media_ops.items import Item, new_item


async def _lease_ran_out(item: Item, seconds: int) -> None:
    await item.pool.execute(
        "UPDATE media_ops.job SET lease_until = now() - make_interval(secs => $1) WHERE state = 'running'",
        seconds,
    )


async def _due_since(item: Item, seconds: int) -> None:
    await item.pool.execute(
        """UPDATE media_ops.job SET due_at = now() - make_interval(secs => $2)
           WHERE media_id = $1 AND state = 'queued'""",
        item.media_id, seconds,
    )  # fmt: skip


@pytest.mark.parametrize(("seconds", "reasons"), [(1, []), (50, []), (70, ["nobody_works"])])
async def test_a_lease_that_ran_out_is_a_violation_once_nobody_took_it_back(
    pool, seconds: int, reasons: list[str]
) -> None:
    item = await new_item(pool)
    await item.taken()
    await _lease_ran_out(item, seconds)
    assert await item.stuck() == reasons
    await losses.reclaim(pool)
    assert await item.stuck() == []


@pytest.mark.parametrize(("seconds", "reasons"), [(0, []), (110, []), (130, ["nobody_works"])])
async def test_a_job_long_due_is_a_violation_when_nobody_takes_any(
    pool, seconds: int, reasons: list[str]
) -> None:
    item = await new_item(pool)
    await _due_since(item, seconds)
    assert await item.stuck() == reasons
    await item.taken()
    assert await item.stuck() == []


async def test_a_job_waits_behind_others_for_as_long_as_its_slot_moves(pool) -> None:
    item, other = await new_item(pool), await new_item(pool)
    await _due_since(item, 7200)
    lease = await other.taken()
    assert await item.stuck() == []
    await _lease_ran_out(other, 70)
    assert await item.stuck() == ["nobody_works"]
    await _lease_ran_out(other, -15)
    await endings.fail(pool, lease, endings.JobError("x", "x", "x", False))
    assert await item.stuck() == ["nobody_works"]
    await pool.execute(
        "UPDATE media_ops.job SET state = 'done', finished_at = now() WHERE job_id = $1", lease.job_id
    )
    assert await item.stuck() == []


async def test_a_queue_that_moves_says_nothing_of_another_slot(pool) -> None:
    item, other = await new_item(pool), await new_item(pool)
    await item.planned()
    await endings.complete(pool, await item.taken())
    await _due_since(item, 130)
    await other.taken()
    assert await item.stuck() == ["nobody_works"], "its encode job waits, and nobody has the encode slot"


async def test_a_rung_of_an_item_that_plays_is_not_forgotten(pool) -> None:
    item = await new_item(pool)
    await item.planned()
    first = await item.taken()
    await item.publish(first)
    await endings.complete(pool, first)
    await item.render()
    assert (await item.state(), await item.stuck()) == ("playable", [])
    await item.taken("encode")
    await _lease_ran_out(item, 3600)
    assert await item.stuck() == ["nobody_works"]


async def test_a_manifest_that_nobody_renders_is_a_violation(pool) -> None:
    item = await new_item(pool)
    await item.planned()
    await item.publish(await item.taken())
    assert await item.stuck() == []
    await pool.execute("UPDATE media_ops.manifest SET changed_at = now() - interval '130 s'")
    assert await item.stuck() == ["nobody_works"]
    await item.render()
    assert await item.stuck() == []


async def test_the_metric_counts_items_that_nobody_works_on(pool) -> None:
    item = await new_item(pool)
    assert await sweeps.measure(pool) == 0
    assert REGISTRY.get_sample_value("mcsp_never_stuck_violations") == 0
    await _due_since(item, 130)
    assert await sweeps.measure(pool) == 1
    assert REGISTRY.get_sample_value("mcsp_never_stuck_violations") == 1
