"""How jobs end: attempts with growing pauses, dead letters with a card, replays, lost workers, deletion."""

import asyncpg
import msgspec
import pytest

from mcsp.contracts.media import DeadJob
from media_ops.failures import CARDS
from media_ops.ledger import board, endings, leases, losses
from media_ops.ledger.endings import ATTEMPTS, LIMITS, JobError, backoff_s
from media_ops.ledger.leases import LeaseLostError
from media_ops.ledger.losses import LOST_LEASES
from tests.media_ops.items import HIGH, MIDDLE, PERMANENT, TRANSIENT, new_item, two_step_plan


async def _dead_letters(owner: asyncpg.Connection) -> list[DeadJob]:
    rows = await owner.fetch("SELECT payload::text FROM outbox.message WHERE topic = 'media.jobs.dlq'")
    return [msgspec.json.decode(row["payload"], type=DeadJob) for row in rows]


@pytest.fixture
async def outbox(postgres_server, database):
    connection = await asyncpg.connect(postgres_server.dsn("outbox", database))
    yield connection
    await connection.close()


def test_pauses_grow_and_outlast_four_minutes() -> None:
    pauses = [backoff_s(attempt, chance=0.5) for attempt in range(1, ATTEMPTS)]
    assert pauses == sorted(pauses)
    assert sum(pauses) > 240
    assert backoff_s(1, chance=0.0) < backoff_s(1, chance=1.0)


async def test_a_transient_error_is_tried_five_times_and_then_dead(pool, outbox) -> None:
    item, states = await new_item(pool), []
    for _ in range(ATTEMPTS):
        states.append(await endings.fail(pool, await item.taken(), TRANSIENT))
        assert await item.take() is None, "a failed attempt waits for its time"
        assert await item.stuck() == []
        await item.make_due()
    assert states == ["queued"] * (ATTEMPTS - 1) + ["dead"]
    letter = (await _dead_letters(outbox))[0]
    assert (letter.media_id, letter.attempts, letter.failure.code) == (item.media_id, ATTEMPTS, "store_down")
    assert letter.failure.retryable
    assert (await pool.fetchval("SELECT failure FROM media_ops.media_state"))["retryable"] is True


async def test_a_permanent_error_is_not_repeated_and_has_its_card(pool, outbox) -> None:
    item = await new_item(pool)
    assert await endings.fail(pool, await item.taken(), PERMANENT) == "dead"
    state = await pool.fetchrow("SELECT status, failure FROM media_ops.media_state")
    assert state["status"] == "failed"
    message, action = CARDS["source_damaged"]
    assert state["failure"] == {
        "code": "source_damaged",
        "message": message,
        "action": action,
        "retryable": False,
    }
    assert len(await _dead_letters(outbox)) == 1


async def test_the_twentieth_lost_lease_in_a_row_is_dead_with_a_card(pool, outbox) -> None:
    item = await new_item(pool)
    for _ in range(LOST_LEASES):
        assert await item.state() == "inspecting"
        await item.taken()
        await item.run_out()
        await losses.reclaim(pool)
    assert await item.take() is None
    assert await item.state() == "failed"
    letter = (await _dead_letters(outbox))[0]
    assert (letter.failure.code, letter.lost_leases, letter.attempts) == ("worker_lost", LOST_LEASES, 0)


async def test_progress_forgives_lost_leases(pool) -> None:
    item = await new_item(pool)
    await item.planned()
    for number in range(LOST_LEASES + 5):
        lease = await item.taken()
        await item.publish(lease, range(number + 1))
        await item.run_out()
        await losses.reclaim(pool)
    assert (await item.taken()).lost_leases <= 1


async def test_an_item_may_be_tried_again_where_one_of_its_rungs_may(pool) -> None:
    item = await new_item(pool)
    await item.planned()
    await endings.fail(pool, await item.taken(), PERMANENT)  # split into its two rungs
    await endings.fail(pool, await item.taken("encode"), PERMANENT)
    unlucky = await item.taken()
    for _ in range(ATTEMPTS - 1):
        await endings.fail(pool, unlucky, TRANSIENT)
        await item.make_due()
        unlucky = await item.taken()
    assert await endings.fail(pool, unlucky, TRANSIENT) == "dead"
    while lease := await item.take() or await item.take("encode"):
        if lease.kind == "art":
            await endings.complete(pool, lease)
        else:
            await endings.fail(pool, lease, PERMANENT)
    card = await pool.fetchval("SELECT failure FROM media_ops.media_state")
    assert (card["code"], card["retryable"]) == ("store_down", True)
    assert await pool.fetchval("SELECT media_ops.retry_media($1)", item.media_id) is True


async def test_replay_gives_five_new_attempts_and_the_item_goes_on(pool) -> None:
    item = await new_item(pool)
    lease = await item.taken()
    await endings.fail(pool, lease, PERMANENT)
    assert [line.job_id for line in await board.list_jobs(pool, ["dead"], 10)] == [lease.job_id]
    assert await board.replay(pool, lease.job_id) == 1
    assert await board.replay(pool, lease.job_id) == 0
    assert await item.state() == "inspecting"
    assert (await item.taken()).attempts == 0


async def test_a_creator_replays_what_may_pass_and_not_a_bad_file(pool) -> None:
    bad, unlucky = await new_item(pool), await new_item(pool)
    await endings.fail(pool, await bad.taken(), PERMANENT)
    for _ in range(ATTEMPTS):
        await endings.fail(pool, await unlucky.taken(), TRANSIENT)
        await unlucky.make_due()
    ask = "SELECT media_ops.retry_media($1)"
    assert await pool.fetchval(ask, bad.media_id) is False
    assert await pool.fetchval(ask, unlucky.media_id) is True
    assert (await bad.state(), await unlucky.state()) == ("failed", "inspecting")


async def test_a_job_of_several_rungs_that_fails_is_split_so_that_one_rung_holds_back_no_other(pool) -> None:
    item = await new_item(pool)
    await item.planned()
    await item.publish(opening := await item.taken())
    await endings.complete(pool, opening)
    await item.render()
    assert await endings.fail(pool, await item.taken("encode"), PERMANENT) == "cancelled"
    assert await item.stuck() == []
    one, other = await item.taken("encode"), await item.taken("encode", "worker-2")
    assert {len(one.rungs), len(other.rungs)} == {1}
    assert await endings.fail(pool, one, PERMANENT) == "dead"
    await item.publish(other)
    await endings.complete(pool, other)
    await item.render()
    assert await item.state() == "ready"
    states = await pool.fetch("SELECT state FROM media_ops.rendition ORDER BY state")
    assert [row["state"] for row in states] == ["failed", "published", "published", "published"]


async def test_deleting_voids_leases_and_nothing_is_written_any_more(pool) -> None:
    item = await new_item(pool)
    await item.planned()
    lease = await item.taken()
    await pool.fetchval("SELECT media_ops.delete_media($1)", item.media_id)
    with pytest.raises(LeaseLostError):
        await leases.keep(pool, lease, 0.1)
    with pytest.raises(LeaseLostError):
        await item.publish(lease)
    with pytest.raises(LeaseLostError):
        await endings.fail(pool, lease, TRANSIENT)
    assert await item.state() == "deleted"
    assert (await item.taken()).kind == "purge"


async def test_a_dead_rung_leaves_a_job_that_drops_its_unpublished_objects(pool) -> None:
    item = await new_item(pool)
    await item.planned(two_step_plan(rest=(HIGH,)))
    lease = await item.taken("encode")
    assert await endings.fail(pool, lease, PERMANENT) == "dead"
    assert [row["rungs"] for row in await item.jobs("purge")] == [list(lease.rungs)]


@pytest.mark.parametrize("code", sorted(LIMITS))
async def test_what_ran_into_its_limit_is_split_at_once_and_each_rung_tried_once(pool, code: str) -> None:
    over = JobError(code, "The work took longer than 86400 s.", "Nothing to do: it is tried again.", True)
    item = await new_item(pool)
    await item.planned(two_step_plan(rest=(MIDDLE, HIGH)))
    assert await endings.fail(pool, await item.taken("encode"), over) == "cancelled"
    await item.make_due()
    alone = [await item.taken("encode") for _ in range(2)]
    assert [len(lease.rungs) for lease in alone] == [1, 1]
    assert [await endings.fail(pool, lease, over) for lease in alone] == ["dead", "dead"]
    assert await item.take("encode") is None
    failed = "SELECT failure ->> 'code' FROM media_ops.rendition WHERE state = 'failed'"
    assert [row[0] for row in await pool.fetch(failed)] == [code, code]


async def test_an_inspection_that_took_too_long_is_tried_again(pool) -> None:
    item = await new_item(pool)
    late = JobError("limit_time", "The media process took longer than 30 s.", "", True)
    assert await endings.fail(pool, await item.taken(), late) == "queued"
