"""What viewers get: manifest versions as rungs come, and the item's states."""

import msgspec

from media_ops.ledger import endings
from media_ops.recipes import STANDARD, Recipe
from tests.media_ops.items import (
    LESS_SOUND,
    LOW,
    MIDDLE,
    PERMANENT,
    SOUND,
    TRANSIENT,
    new_item,
    two_step_plan,
)

FIRST = {LOW.name, SOUND.name}
ALL = FIRST | {MIDDLE.name, "720p"}


async def _opened(item):
    await item.planned()
    lease = await item.taken()
    await item.publish(lease, range(1))
    await item.render()
    return lease


async def test_the_first_version_opens_when_each_opening_rung_has_begun(pool) -> None:
    item = await new_item(pool)
    await item.planned()
    lease = await item.taken()
    await item.begin(lease, lease.rungs[0])
    await item.begin(lease, lease.rungs[1])
    assert await item.manifests() == []
    await item.publish(lease, range(1))
    assert await item.manifests() == [(1, FIRST, "growing")]


async def test_an_item_is_playable_only_once_its_manifest_is_in_the_store(pool) -> None:
    item = await new_item(pool)
    await item.planned()
    await item.publish(await item.taken(), range(1))
    assert await item.state() == "processing"
    assert await pool.fetch("SELECT * FROM media_ops.playable") == []
    await item.render()
    assert await item.state() == "playable"
    row = await pool.fetchrow("SELECT manifest_version, prefix FROM media_ops.playable")
    assert tuple(row) == (1, f"media/{item.media_id}/m1")


async def test_rungs_that_finish_together_join_one_new_version_and_the_item_is_ready(pool) -> None:
    item = await new_item(pool)
    opening = await _opened(item)
    await item.publish(opening)
    await endings.complete(pool, opening)
    assert await item.manifests() == [(1, FIRST, "finished")]
    rest = await item.taken("encode")
    await item.publish(rest)
    assert len(await item.manifests()) == 1
    await endings.complete(pool, rest)
    assert await item.manifests() == [(1, FIRST, "finished"), (2, ALL, "finished")]
    assert await item.state() == "playable"
    await item.render()
    assert await item.state() == "ready"


async def test_a_version_opened_while_the_first_still_grows_carries_its_growing_rungs(pool) -> None:
    item = await new_item(pool)
    opening = await _opened(item)
    rest = await item.taken("encode")
    await item.publish(rest)
    await endings.complete(pool, rest)
    assert await item.manifests() == [(1, FIRST, "growing"), (2, ALL, "growing")]
    await item.publish(opening)
    await endings.complete(pool, opening)
    assert await item.manifests() == [(1, FIRST, "finished"), (2, ALL, "finished")]


async def test_new_segments_make_growing_versions_stale_and_finished_ones_not(pool) -> None:
    item = await new_item(pool)
    opening = await _opened(item)
    stale = "SELECT count(*) FROM media_ops.manifest WHERE revision > rendered_revision"
    assert await pool.fetchval(stale) == 0
    await item.publish(opening, range(2))
    assert await pool.fetchval(stale) == 1
    await item.publish(opening, range(2))
    await item.render()
    assert await pool.fetchval(stale) == 0


async def test_without_its_opening_rungs_an_item_still_becomes_playable(pool) -> None:
    item = await new_item(pool)
    await item.planned(two_step_plan(rest=(MIDDLE, LESS_SOUND)))
    await endings.fail(pool, await item.taken(), PERMANENT)  # split
    while lease := await item.take():
        if lease.kind not in ("encode", "audio"):
            break
        await endings.fail(pool, lease, PERMANENT)
    rest = await item.taken("encode")
    await item.publish(rest)
    assert await item.manifests() == []
    await endings.complete(pool, rest)
    await item.render()
    assert await item.manifests() == [(1, {MIDDLE.name, LESS_SOUND.name}, "finished")]
    assert await item.state() == "ready"


async def _last_failure(item, lease) -> str:
    """The last attempt at the job fails by an error that may pass."""
    last = "UPDATE media_ops.job SET attempts = $2 WHERE job_id = $1"
    await item.pool.execute(last, lease.job_id, endings.ATTEMPTS - 1)
    return await endings.fail(item.pool, lease, TRANSIENT)


async def _cut_short(item) -> tuple[str, ...]:
    """A first version that finished while one of its rungs had failed after its first segment; that rung."""
    assert await _last_failure(item, await _opened(item)) == "cancelled"
    parts = {}
    while lease := await item.take():
        parts[lease.kind] = lease
    await item.publish(parts["audio"])
    await endings.complete(item.pool, parts["audio"])
    assert await _last_failure(item, parts["encode"]) == "dead"
    return parts["encode"].rungs


async def test_a_rung_cut_short_and_made_again_opens_a_version_that_has_it_whole(pool) -> None:
    item = await new_item(pool)
    rungs = await _cut_short(item)
    assert await item.manifests() == [(1, FIRST, "finished")]
    assert await pool.fetchval("SELECT media_ops.retry_media($1)", item.media_id)
    again = await item.taken()
    assert again.rungs == rungs
    await item.publish(again)
    assert len(await item.manifests()) == 1
    await endings.complete(pool, again)
    assert await item.manifests() == [(1, FIRST, "finished"), (2, FIRST, "finished")]
    rest = await item.taken("encode")
    await item.publish(rest)
    await endings.complete(pool, rest)
    assert (await item.manifests())[2:] == [(3, ALL, "finished")]
    await item.render()
    assert await item.state() == "ready"


async def test_a_rung_cut_short_that_stays_failed_is_left_out_in_the_end(pool) -> None:
    item = await new_item(pool)
    await _cut_short(item)
    rest = await item.taken("encode")
    await item.publish(rest)
    await endings.complete(pool, rest)
    assert await item.manifests() == [(1, FIRST, "finished"), (2, ALL - {LOW.name}, "finished")]


async def test_when_every_rung_failed_the_item_failed_with_a_card(pool) -> None:
    item = await new_item(pool)
    await item.planned()
    for slot in ("quick", "encode"):
        while (lease := await item.take(slot)) and lease.kind != "art":
            await endings.fail(pool, lease, PERMANENT)
    assert await item.state() == "failed"
    assert await pool.fetchval("SELECT failure ->> 'code' FROM media_ops.media_state") == "source_damaged"
    assert await item.stuck() == []


async def test_a_new_recipe_makes_only_what_changed_and_viewers_keep_what_they_have(pool) -> None:
    item = await new_item(pool)
    await item.planned(two_step_plan(rest=()))
    lease = await item.taken()
    await item.publish(lease)
    await endings.complete(pool, lease)
    await item.render()
    assert await item.state() == "ready"
    assert await pool.fetchval("SELECT media_ops.enqueue_missing($1, $2)", item.media_id, str(STANDARD)) == 0
    sound = await pool.fetchval("SELECT digest FROM media_ops.rendition WHERE name = $1", SOUND.name)
    newer = Recipe("standard", 2)
    assert await pool.fetchval("SELECT media_ops.enqueue_missing($1, $2)", item.media_id, str(newer)) == 1
    await item.planned(two_step_plan(newer, rest=(), low=msgspec.structs.replace(LOW, crf=21)))
    assert await item.state() == "ready"
    assert await item.manifests() == [(1, FIRST, "finished")]
    again = await item.taken()
    assert len(again.rungs) == 1
    assert set(again.rungs).isdisjoint(lease.rungs)
    await item.publish(again)
    await endings.complete(pool, again)
    await item.render()
    assert await item.manifests() == [(1, FIRST, "finished"), (2, FIRST, "finished")]
    newest = await pool.fetchval("SELECT rungs FROM media_ops.manifest WHERE version = 2")
    assert set(newest) == {*again.rungs, sound}
    assert await item.state() == "ready"


async def test_a_new_recipe_that_changes_nothing_makes_nothing(pool) -> None:
    item = await new_item(pool)
    await item.planned(two_step_plan(rest=()))
    lease = await item.taken()
    await item.publish(lease)
    await endings.complete(pool, lease)
    await pool.fetchval("SELECT media_ops.enqueue_missing($1, 'standard@2')", item.media_id)
    await item.planned(two_step_plan(Recipe("standard", 2), rest=()))
    living = await pool.fetch("SELECT digest FROM media_ops.rendition WHERE state = 'published'")
    assert {row["digest"] for row in living} == set(lease.rungs)
    assert [job["state"] for job in await item.jobs("encode") if job["rungs"]] == ["done"]


async def test_another_grid_makes_every_rung_anew(pool) -> None:
    item = await new_item(pool)
    plan = two_step_plan(rest=())
    await item.planned(plan)
    lease = await item.taken()
    await item.publish(lease)
    await endings.complete(pool, lease)
    await pool.fetchval("SELECT media_ops.enqueue_missing($1, 'standard@2')", item.media_id)
    grid = msgspec.structs.replace(plan.grid, frames=60)
    await item.planned(msgspec.structs.replace(two_step_plan(Recipe("standard", 2), rest=()), grid=grid))
    assert set((await item.taken()).rungs).isdisjoint(lease.rungs)


async def test_progress_grows_and_the_eta_falls(pool) -> None:
    item = await new_item(pool)
    read = "SELECT progress, eta_s FROM media_ops.media_state"
    assert (await pool.fetchrow(read))["progress"] == 0
    await item.planned()
    waiting = await pool.fetchrow(read)
    lease = await item.taken()
    await item.publish(lease)
    await endings.complete(pool, lease)
    half = await pool.fetchrow(read)
    assert 0 <= waiting["progress"] < half["progress"] < 1
    assert waiting["eta_s"] > half["eta_s"] > 0


async def test_missing_jobs_are_put_back_and_nothing_else(pool) -> None:
    item = await new_item(pool)
    await item.planned()
    ask = "SELECT media_ops.enqueue_missing($1)"
    assert await pool.fetchval(ask, item.media_id) == 0
    await pool.execute("DELETE FROM media_ops.job WHERE media_id = $1 AND slot = 'encode'", item.media_id)
    assert await item.stuck() == ["rung_without_job"]
    assert await pool.fetchval(ask, item.media_id) == 2
    assert await item.stuck() == []
