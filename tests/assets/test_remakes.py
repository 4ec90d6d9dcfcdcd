"""A changed recipe: the dry run says what it would make anew, the re-make makes that and only that."""

import dagster as dg
import msgspec
import pytest

from media_ops import remake
from media_ops.description import SourceDescription
from media_ops.ledger import endings
from media_ops.recipes import Plan, Recipe
from tests.media_ops.items import LOW, SOUND, Item, new_item, two_step_plan

NEWER = Recipe("standard", 2)
BETTER_LOW = msgspec.structs.replace(LOW, crf=21)


def _today(source: SourceDescription) -> Plan:
    return two_step_plan(rest=())


def _tomorrow(source: SourceDescription) -> Plan:
    return two_step_plan(NEWER, rest=(), low=BETTER_LOW)


async def _ready(pool, plan: Plan | None = None) -> Item:
    item = await new_item(pool)
    await item.planned(plan or two_step_plan(rest=()))
    await _make(pool, item)
    assert await item.state() == "ready"
    return item


async def _make(pool, item: Item) -> list[str]:
    """Do the item's quick job as a worker would; gives the digests that it made."""
    lease = await item.taken()
    await item.publish(lease)
    await endings.complete(pool, lease)
    await item.render()
    return list(lease.rungs)


def _bucket(item: Item) -> str:
    return f"{item.media_id.bytes[-1] % remake.BUCKETS:02d}"


def _numbers(result: dg.ExecuteInProcessResult, name: str) -> dict[str, object]:
    (found,) = result.asset_materializations_for_node(name)
    return {key: value.value for key, value in found.metadata.items()}


async def test_nothing_is_stale_under_the_recipe_that_made_it(pool) -> None:
    item = await _ready(pool)
    async with pool.acquire() as connection:
        radius = await remake.blast_radius(connection, int(_bucket(item)), planner=_today)
    assert (radius.items, radius.kept, radius.stale) == (1, 2, ())


async def test_the_dry_run_counts_what_would_be_made_and_changes_nothing(pool) -> None:
    item = await _ready(pool)
    before = await pool.fetch("SELECT * FROM media_ops.job")
    async with pool.acquire() as connection:
        radius = await remake.blast_radius(connection, int(_bucket(item)), planner=_tomorrow)
    assert dict(radius.make) == {LOW.name: 1}
    assert (radius.kept, radius.media_s, radius.dropped_bytes) == (1, 12.0, 3000)
    assert await pool.fetch("SELECT * FROM media_ops.job") == before


async def test_an_item_of_another_bucket_is_not_looked_at(pool) -> None:
    item = await _ready(pool)
    other = (int(_bucket(item)) + 1) % remake.BUCKETS
    async with pool.acquire() as connection:
        assert (await remake.blast_radius(connection, other, planner=_tomorrow)).items == 0


async def test_every_item_is_in_exactly_one_bucket(pool) -> None:
    for _ in range(5):
        await _ready(pool)
    async with pool.acquire() as connection:
        found = [
            (await remake.blast_radius(connection, bucket, planner=_today)).items
            for bucket in range(remake.BUCKETS)
        ]
    assert sum(found) == 5


async def test_only_the_stale_rung_is_made_and_viewers_keep_the_old_ones_until_then(pool) -> None:
    item = await _ready(pool)
    bucket = int(_bucket(item))
    sound = await pool.fetchval("SELECT digest FROM media_ops.rendition WHERE name = $1", SOUND.name)
    async with pool.acquire() as connection:
        first = await remake.remake(connection, bucket, wait_s=0, planner=_tomorrow)
    assert (first.planned, first.waiting) == (1, (item.media_id,))
    await item.planned(two_step_plan(NEWER, rest=(), low=BETTER_LOW))
    assert await item.state() == "ready"
    assert len(await item.manifests()) == 1
    made = await _make(pool, item)
    assert len(made) == 1
    async with pool.acquire() as connection:
        second = await remake.remake(connection, bucket, wait_s=60, planner=_tomorrow)
    assert (second.planned, second.waiting, second.radius.stale) == (0, (), ())
    newest = await pool.fetchval("SELECT rungs FROM media_ops.manifest ORDER BY version DESC LIMIT 1")
    assert set(newest) == {*made, sound}
    states = dict(await pool.fetch("SELECT state, count(*) FROM media_ops.rendition GROUP BY state"))
    assert states == {"published": 2, "superseded": 1}


async def test_asked_twice_while_it_is_under_way_it_is_planned_again_once(pool) -> None:
    item = await _ready(pool)
    async with pool.acquire() as connection:
        planned = [
            (await remake.remake(connection, int(_bucket(item)), wait_s=0, planner=_tomorrow)).planned
            for _ in range(3)
        ]
    assert planned == [1, 0, 0]
    assert [job["state"] for job in await item.jobs("inspect")] == ["queued"]


@pytest.mark.parametrize("state", ["deleted", "failed"])
async def test_deleted_and_failed_items_are_left_alone(pool, state: str) -> None:
    item = await _ready(pool)
    await pool.execute(
        """UPDATE media_ops.source
           SET state = $1, failure = '{"code": "x", "message": "y", "action": "z"}'""",
        state,
    )
    async with pool.acquire() as connection:
        done = await remake.remake(connection, int(_bucket(item)), wait_s=0, planner=_tomorrow)
    assert (done.radius.items, done.planned) == (0, 0)


async def test_a_bucket_in_which_nothing_is_stale_is_said_to_be_of_today(pool, run) -> None:
    planned = await run("remake_plan", "00")
    done = await run("remakes", "00", 0)
    assert (planned.success, done.success) == (True, True)
    assert _numbers(planned, "remake_plan")["media_seconds_to_make"] == 0.0
    (digests,) = planned.get_asset_check_evaluations()
    assert (digests.check_name, digests.passed) == ("digests_match_recipe", True)


async def test_the_assets_show_the_blast_radius_and_the_work(pool, run) -> None:
    item = await _ready(pool)
    planned = await run("remake_plan", _bucket(item))
    dry = _numbers(planned, "remake_plan")
    assert (dry["items"], dry["items_stale"]) == (1, 1)
    assert int(str(dry["renditions_to_make"])) > 0
    assert str(item.media_id) in str(dry["examples"])
    (digests,) = planned.get_asset_check_evaluations()
    assert (digests.check_name, digests.passed) == ("digests_match_recipe", False)
    assert digests.severity is dg.AssetCheckSeverity.WARN
    done = await run("remakes", _bucket(item), 0)
    assert done.success
    assert _numbers(done, "remakes")["items_planned_again"] == 1
    (whole,) = done.get_asset_check_evaluations()
    assert (whole.passed, whole.severity) == (False, dg.AssetCheckSeverity.WARN)
