"""The sensor: workers made something, and Dagster shows it, once per changed hour and tick, without a run."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from assets.partitions import FIRST_HOUR, key_of
from assets.resources import Objects
from media_ops import completeness
from orchestration import sensors
from orchestration.build import build_defs
from orchestration.lifecycle import Cursor, LifecycleTopic
from orchestration.sensors import media_lifecycle
from tests.assets.shelf import published
from tests.media_ops.items import new_item, two_step_plan

HOUR = datetime(2025, 4, 1, 9, tzinfo=UTC)

pytestmark = pytest.mark.stack


@pytest.fixture
def tick(ledger, objects, pages, topic):
    """Evaluate the sensor once from a cursor, as the daemon does."""

    def evaluate(cursor: str, resources: dict[str, object]):
        repository = build_defs(resources=resources).get_repository_def()
        with (
            dg.DagsterInstance.ephemeral() as instance,
            dg.build_sensor_context(
                instance=instance, cursor=cursor, repository_def=repository, resources=resources
            ) as context,
        ):
            return media_lifecycle.evaluate_tick(context)

    async def in_a_thread(cursor: Cursor | str, **others: object):
        usual = {"lifecycle": topic, "ledger": ledger, "objects": objects, "pages": pages}
        return await asyncio.to_thread(evaluate, str(cursor), {**usual, **others})

    return in_a_thread


async def _item(pool, hour: datetime = HOUR, bucket: str = "b"):
    item = await new_item(pool, bucket)
    await item.planned(two_step_plan(rest=()))
    await pool.execute(
        "UPDATE media_ops.source SET completed_at = $2 WHERE media_id = $1", item.media_id, hour
    )
    return item


def _made(data, year: int = HOUR.year) -> list[tuple[str, str]]:
    return [
        (event.asset_key.to_user_string(), event.partition)
        for event in data.asset_events
        if isinstance(event, dg.AssetMaterialization)
        and event.partition is not None
        and event.partition.startswith(str(year))
    ]


async def test_many_messages_of_an_hour_are_one_materialisation_per_asset(pool, tick, tell, end) -> None:
    item = await _item(pool)
    for _ in range(3):
        await tell(HOUR, media=item.media_id)
        await tell(HOUR, event="rendition", media=item.media_id)
    data = await tick(end)
    assert Counter(_made(data)) == {("sources", key_of(HOUR)): 1, ("renditions", key_of(HOUR)): 1}
    assert data.run_requests == []


async def test_it_brings_numbers_and_check_results_with_it(pool, tick, tell, end) -> None:
    item = await _item(pool)
    await tell(HOUR, event="rendition", media=item.media_id)
    data = await tick(end)
    (made,) = [
        e for e in data.asset_events if isinstance(e, dg.AssetMaterialization) and e.partition == key_of(HOUR)
    ]
    assert made.metadata["items"].value == 2
    assert (made.metadata["whole"].value, made.metadata["digests_match_recipe"].value) == (False, True)
    checks = {
        event.check_name: event for event in data.asset_events if isinstance(event, dg.AssetCheckEvaluation)
    }
    assert not checks["whole"].passed
    assert checks["whole"].severity is dg.AssetCheckSeverity.WARN
    assert checks["whole"].metadata["partition"].value == key_of(HOUR)
    assert checks["digests_match_recipe"].metadata["looked_at"].value == 2
    assert checks["never_stuck"].passed


async def test_the_hour_that_is_not_right_is_what_dagster_shows_last(pool, tick, tell, end) -> None:
    item = await new_item(pool)
    await pool.execute("UPDATE media_ops.source SET completed_at = $1", HOUR)
    for number in range(4):
        await tell(HOUR + timedelta(days=number), media=item.media_id)
    made = _made(await tick(end))
    assert len(made) == 4
    assert made[-1] == ("sources", key_of(HOUR))


async def test_dagsters_own_storage_takes_the_same_hour_again_and_again(
    pool, dagster_on_postgres: dg.DagsterInstance, tick, tell, end
) -> None:
    """Run-less check results of a partition are refused by PostgreSQL the second time: we send none."""
    item = await _item(pool)
    await tell(HOUR, event="rendition", media=item.media_id)
    data = await tick(end)
    for _ in range(3):
        for event in data.asset_events:
            await asyncio.to_thread(dagster_on_postgres.report_runless_asset_event, event)
    assert dagster_on_postgres.get_materialized_partitions(dg.AssetKey("renditions")) == {key_of(HOUR)}
    key = dg.AssetCheckKey(dg.AssetKey("renditions"), "whole")
    history = dagster_on_postgres.event_log_storage.get_asset_check_execution_history(key, limit=10)
    assert len(history) == 3


async def test_a_restart_goes_on_from_the_cursor(pool, tick, tell, end) -> None:
    item = await _item(pool)
    await tell(HOUR, media=item.media_id)
    first = await tick(end)
    await tell(HOUR + timedelta(hours=2), media=item.media_id)
    second = await tick(first.cursor)
    assert _made(first) == [("sources", key_of(HOUR))]
    assert _made(second) == [("sources", key_of(HOUR + timedelta(hours=2)))]
    third = await tick(second.cursor)
    assert third.asset_events == []
    assert Cursor.parse(third.cursor).offsets.keys() == end.offsets.keys()


async def test_without_kafka_it_skips_says_why_and_keeps_its_cursor(tick, end) -> None:
    data = await tick(end, lifecycle=LifecycleTopic(bootstrap="127.0.0.1:1"))
    assert data.asset_events == []
    assert "kafka_down" in str(data.skip_message)
    assert Cursor.parse(data.cursor) == end


async def test_without_the_store_it_skips_and_the_hour_comes_with_the_next_tick(
    pool, objects: Objects, tick, tell, end
) -> None:
    item = await _item(pool, bucket=objects.bucket_media)
    lease = await item.taken()
    await item.publish(lease)
    await item.render()
    await tell(HOUR, event="manifest", media=item.media_id)
    away = await tick(end, objects=Objects(**objects.model_dump() | {"endpoint": "http://127.0.0.1:1"}))
    assert away.asset_events == []
    assert "store_down" in str(away.skip_message)
    assert _made(await tick(away.cursor)) == [("packages", key_of(HOUR))]


async def test_hours_before_the_first_are_passed_over_with_their_messages(pool, tick, tell, end) -> None:
    early = FIRST_HOUR - timedelta(hours=1)
    item = await _item(pool, early)
    await tell(early, media=item.media_id)
    data = await tick(end)
    assert _made(data, early.year) == []
    assert (await tick(data.cursor)).asset_events == []


async def test_a_look_at_many_packages_goes_on_tick_by_tick_to_the_end_of_the_hour(
    pool, store, objects: Objects, tick, tell, end, monkeypatch
) -> None:
    monkeypatch.setattr(completeness, "AT_ONCE", 1)
    monkeypatch.setattr(sensors, "LOOK_S", 0.0)
    first, *others = sorted(
        [await published(pool, store, objects.bucket_media) for _ in range(3)], key=lambda one: one.media_id
    )
    await pool.execute("UPDATE media_ops.source SET completed_at = $1", HOUR)
    await store.delete(objects.bucket_media, [f"media/{first.media_id}/m1/manifest.mpd"])
    await tell(HOUR, event="manifest", media=others[-1].media_id)
    data = await tick(end)
    assert _made(data) == [("packages", key_of(HOUR))]
    looks = [_look(data)]
    while Cursor.parse(data.cursor).looks:
        data = await tick(data.cursor)
        assert _made(data) == []
        looks.append(_look(data))
    assert looks == [(False, 1), (False, 2), (False, 3), (False, 3)], "what was found stays found"
    for one in (first, *others):
        await store.delete_prefix(objects.bucket_media, f"media/{one.media_id}/")


async def test_hours_for_which_a_tick_has_no_time_come_with_the_next_ones(
    pool, tick, tell, end, monkeypatch
) -> None:
    monkeypatch.setattr(sensors, "REPORT_S", 0.0)
    hours = [HOUR + timedelta(days=number) for number in range(3)]
    for hour in hours:
        await tell(hour, media=(await _item(pool, hour)).media_id)
    cursor, made = str(end), []
    for _ in hours:
        data = await tick(cursor)
        cursor, made = data.cursor, made + _made(data)
    assert sorted(made) == [("sources", key_of(hour)) for hour in hours]
    assert Cursor.parse(cursor).left == []


def _look(data) -> tuple[bool, object]:
    (check,) = [
        event
        for event in data.asset_events
        if isinstance(event, dg.AssetCheckEvaluation) and event.check_name == "complete_in_s3"
    ]
    return check.passed, check.metadata["looked_at"].value


async def test_the_open_hour_of_now_is_a_partition_that_dagster_takes(pool, tick, tell, end) -> None:
    now = datetime.now(UTC)
    item = await _item(pool, now)
    await tell(now, media=item.media_id)
    (found,) = {made for made in _made(await tick(end), now.year) if made[0] == "sources"}
    with dg.DagsterInstance.ephemeral() as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization("sources", partition=found[1]))
        assert instance.get_materialized_partitions(dg.AssetKey("sources")) == {found[1]}
