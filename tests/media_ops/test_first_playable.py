"""What an item needs in order to play goes before all else of it, yet holds nothing back for ever."""

import asyncpg

from media_ops.ledger import endings, leases, losses
from tests.media_ops.items import LANES, PERMANENT, TRANSIENT, Item, new_item


async def _opening(pool: asyncpg.Pool) -> tuple[Item, leases.Lease]:
    item = await new_item(pool)
    await item.planned(fresh=True)
    return item, await item.taken()


async def _rest(item: Item) -> set[str]:
    """Kinds of what other workers get of an item now."""
    found = [await item.take(slot, "worker-2") for slot in ("quick", "encode")]
    return {lease.kind for lease in found if lease}


async def test_the_rest_of_an_item_stands_aside_until_it_plays(pool) -> None:
    item, opening = await _opening(pool)
    assert await _rest(item) == set()
    await item.publish(opening, range(1))
    assert await _rest(item) == set(), "its manifest is not in the store yet"
    await item.render()
    assert await _rest(item) == {"art", "encode"}


async def test_the_rest_is_told_that_the_item_plays(pool, postgres_server, database) -> None:
    item, opening = await _opening(pool)
    owner = await asyncpg.connect(postgres_server.dsn("outbox", database))
    try:
        await owner.execute("DELETE FROM outbox.message")
        await item.publish(opening, range(1))
        await item.render()
        wakes = "SELECT count(*) FROM outbox.message WHERE topic = 'media.jobs' AND key = $1"
        assert await owner.fetchval(wakes, str(item.media_id)) == 1
    finally:
        await owner.close()


async def test_it_stands_aside_no_longer_than_that_once_a_lost_opening_job_is_due_again(pool) -> None:
    item, _ = await _opening(pool)
    await item.run_out()
    await losses.reclaim(pool)
    past = "UPDATE media_ops.job SET due_at = now() - make_interval(secs => $1) WHERE slot = 'encode'"
    await pool.execute(past, leases.STAND_ASIDE_S + 1)
    assert (await item.taken("encode")).kind == "encode"


async def test_other_items_do_not_stand_aside(pool) -> None:
    other = await new_item(pool)
    await other.planned()
    opened = await other.taken()
    await other.publish(opened, range(1))
    await other.render()
    await _opening(pool)
    taken = await leases.take(pool, worker="worker-2", slot="encode", lanes=LANES)
    assert taken is not None
    assert taken.media_id == other.media_id


async def test_it_stands_aside_for_some_seconds_at_most(pool) -> None:
    item, _ = await _opening(pool)
    past = "UPDATE media_ops.job SET due_at = now() - make_interval(secs => $1) WHERE state = 'queued'"
    await pool.execute(past, leases.STAND_ASIDE_S + 1)
    assert await _rest(item) == {"art", "encode"}


async def test_the_rest_does_not_overtake_an_opening_job_that_is_about_to_begin(pool) -> None:
    item = await new_item(pool)
    await item.planned(fresh=True)
    assert await item.take("encode") is None
    await item.taken()
    await item.run_out()
    await losses.reclaim(pool)
    assert await item.take("encode") is None


async def test_an_opening_job_that_waits_for_its_retry_holds_back_nobody(pool) -> None:
    item, opening = await _opening(pool)
    assert await endings.fail(pool, opening, TRANSIENT) == "queued"
    assert await _rest(item) == {"art", "encode"}


async def test_an_opening_job_that_failed_holds_back_nobody(pool) -> None:
    item, opening = await _opening(pool)
    assert await endings.fail(pool, opening, PERMANENT) == "cancelled"
    for _ in opening.rungs:
        assert await item.take("encode") is None, "one of its rungs may still open the item"
        assert await endings.fail(pool, await item.taken(), PERMANENT) == "dead"
    assert await _rest(item) == {"art", "encode"}
    assert await item.stuck() == []


async def test_an_item_that_plays_already_is_remade_all_at_once(pool) -> None:
    item, opening = await _opening(pool)
    await item.publish(opening)
    await endings.complete(pool, opening)
    await item.render()
    await pool.execute("UPDATE media_ops.job SET state = 'queued' WHERE job_id = $1", opening.job_id)
    again = await item.taken()
    assert again.job_id == opening.job_id
    assert await _rest(item) == {"art", "encode"}
