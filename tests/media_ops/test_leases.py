"""Who works on what: one lease a job, kept by heartbeats, fenced by its token."""

import asyncio
from uuid import UUID

import pytest

from mcsp.ids import uuid7
from media_ops.ledger import endings, leases, losses, publish
from media_ops.ledger.leases import LeaseLostError
from tests.media_ops.items import HIGH, LANES, PERMANENT, new_item, two_step_plan


async def test_many_workers_at_once_get_one_lease(pool) -> None:
    item = await new_item(pool)
    taken = await asyncio.gather(*(item.take(worker=f"worker-{n}") for n in range(8)))
    assert sum(lease is not None for lease in taken) == 1


async def test_a_message_five_times_does_the_work_once(pool) -> None:
    item = await new_item(pool)
    results = []
    for _ in range(5):  # each wake looks for work, whatever the message said
        if lease := await item.take():
            results.append(lease)
            await endings.fail(pool, lease, PERMANENT)
    assert len(results) == 1


async def test_the_most_urgent_due_job_goes_first(pool) -> None:
    first, second = await new_item(pool), await new_item(pool)
    await first.planned()  # its opening job (priority 1) was there before the second item's inspect (0)
    taken = await leases.take(pool, worker="w", slot="quick", lanes=LANES)
    assert taken is not None
    assert (taken.media_id, taken.kind) == (second.media_id, "inspect")


async def test_lanes_and_slots_are_kept_apart(pool) -> None:
    item = await new_item(pool)
    assert await leases.take(pool, worker="w", slot="quick", lanes=["video-gpu"]) is None
    assert await item.take("encode") is None
    await item.planned()
    assert (await item.taken("encode")).kind == "encode"


async def test_a_heartbeat_keeps_the_lease_and_tells_progress(pool) -> None:
    item = await new_item(pool)
    lease = await item.taken()
    await item.run_out()
    await leases.keep(pool, lease, 0.5)
    assert await losses.reclaim(pool) == []
    assert await pool.fetchval("SELECT progress FROM media_ops.job WHERE job_id = $1", lease.job_id) == 0.5


async def test_a_lease_that_ran_out_is_leased_again_at_once(pool) -> None:
    item = await new_item(pool)
    lost = await item.taken(worker="killed")
    await item.run_out()
    assert await losses.reclaim(pool) == [lost.job_id]
    again = await item.taken(worker="other")
    assert (again.job_id, again.attempts, again.lost_leases) == (lost.job_id, 0, 1)
    with pytest.raises(LeaseLostError):
        await leases.keep(pool, lost, 0.9)


async def test_a_worker_that_starts_again_gets_its_own_leases_back_at_once(pool) -> None:
    item, other = await new_item(pool), await new_item(pool)
    mine, others = await item.taken(worker="worker-1"), await other.taken(worker="worker-2")
    assert await losses.reclaim(pool, worker="worker-1") == [mine.job_id]
    await leases.keep(pool, others, 0.1)


async def test_a_graceful_stop_is_neither_an_attempt_nor_a_lost_lease(pool) -> None:
    item = await new_item(pool)
    assert await leases.give_back(pool, await item.taken())
    again = await item.taken()
    assert (again.attempts, again.lost_leases) == (0, 0)


async def test_a_zombie_with_an_old_token_writes_nothing(pool) -> None:
    item = await new_item(pool)
    await item.planned()
    zombie = await item.taken()
    await item.begin(zombie, zombie.rungs[0])
    await item.run_out()
    await losses.reclaim(pool)
    new = await item.taken(worker="worker-2")
    for write in (
        lambda: item.begin(zombie, zombie.rungs[0]),
        lambda: item.publish(zombie),
        lambda: leases.keep(pool, zombie, 1.0),
        lambda: endings.complete(pool, zombie),
        lambda: endings.fail(pool, zombie, PERMANENT),
        lambda: publish.publish_art(pool, zombie, "b", publish.ArtRow(
            name="poster", content_type="image/jpeg", width=1, height=1, bytes=1, key="k")),
    ):  # fmt: skip
        with pytest.raises(LeaseLostError):
            await write()
    assert not await leases.give_back(pool, zombie)
    assert await pool.fetchval("SELECT count(*) FROM media_ops.segment") == 0
    assert await item.publish(new) == 6


async def test_two_attempts_publish_each_segment_once(pool) -> None:
    item = await new_item(pool)
    await item.planned()
    first = await item.taken()
    assert await item.publish(first, range(2)) == 4
    await item.run_out()
    await losses.reclaim(pool)
    second = await item.taken()
    assert await item.publish(second, range(3)) == 2
    assert await publish.known_segments(pool, item.media_id, second.rungs[0]) == {0, 1, 2}


async def test_what_a_job_is_for_is_what_its_item_lacks_when_it_is_leased(pool) -> None:
    item = await new_item(pool)
    assert (inspect := await item.taken()).purpose == "opening"
    assert await leases.give_back(pool, inspect)
    await item.planned()
    opening = await item.taken()
    assert opening.purpose == "opening"
    await item.publish(opening, range(1))
    await item.render()
    assert await leases.give_back(pool, opening)
    found: dict[leases.Purpose, str | None] = {}
    for purpose in leases.PURPOSES:
        lease = await leases.take(pool, worker="w", slot="quick", lanes=LANES, purposes=[purpose])
        found[purpose] = lease and lease.kind
    assert found == {"opening": None, "growing": "encode", "errand": "art"}


async def _next_encode(pool) -> UUID:
    lease = await leases.take(pool, worker="w", slot="encode", lanes=LANES)
    assert lease is not None
    return lease.media_id


async def test_with_two_encode_slots_an_owner_who_waits_goes_before_one_whose_encode_runs(pool) -> None:
    many = uuid7()
    first, second, third = [await new_item(pool, owner_id=many) for _ in range(3)]
    other = await new_item(pool)
    for item in (first, second, third, other):
        await item.planned()
    found = [await _next_encode(pool) for _ in range(4)]
    assert found == [first.media_id, other.media_id, second.media_id, third.media_id]


async def test_with_one_encode_slot_owners_take_turns_whatever_they_have_waiting(pool) -> None:
    many, few = uuid7(), uuid7()
    items = [await new_item(pool, owner_id=owner) for owner in (many, many, many, few, few)]
    for item in items:
        await item.planned(two_step_plan(rest=(HIGH,)))
    found = []
    for _ in items:
        lease = await leases.take(pool, worker="w", slot="encode", lanes=LANES)
        assert lease is not None
        await endings.complete(pool, lease)
        found.append(lease.media_id)
    assert found == [items[n].media_id for n in (0, 3, 1, 4, 2)]
