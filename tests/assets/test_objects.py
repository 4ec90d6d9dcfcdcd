"""Rows, manifests and the real store agree, and where they do not the checks say what is wrong."""

import asyncio
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest

from assets import state_checks
from assets.partitions import key_of
from assets.resources import Objects
from assets.state_checks import no_orphan_objects
from deploy.handle import StackHandle
from media_ops import completeness, integrity
from media_ops.lineage import hour_of
from tests.assets.resources import objects_of
from tests.assets.shelf import published

pytestmark = pytest.mark.stack

LATER = datetime.now(UTC) + timedelta(hours=2)


@pytest.fixture
def objects(stack: StackHandle) -> Objects:
    return objects_of(stack)


@pytest.fixture
async def item(pool, store, objects):
    made = await published(pool, store, objects.bucket_media)
    yield made
    await store.delete_prefix(objects.bucket_media, f"media/{made.media_id}/")


async def _complete(run) -> dg.AssetCheckEvaluation:
    result = await run("packages", key_of(hour_of(datetime.now(UTC))), 60)
    assert result.success
    return {one.check_name: one for one in result.get_asset_check_evaluations()}["complete_in_s3"]


async def test_a_package_whose_objects_are_all_there_is_complete(item, run) -> None:
    found = await _complete(run)
    assert found.passed
    assert found.metadata["looked_at"].value == 1


@pytest.mark.parametrize("name", ["master.m3u8", "manifest.mpd", "240p.m3u8"])
async def test_a_manifest_that_is_gone_is_found(item, run, store, name: str) -> None:
    key = f"media/{item.media_id}/m1/{name}"
    await store.delete(item.bucket, [key])
    found = await _complete(run)
    assert not found.passed
    assert key in str(found.metadata["what"].value)


async def test_a_segment_that_is_gone_is_found(item, run, store) -> None:
    key = await item.pool.fetchval("SELECT key FROM media_ops.segment WHERE number = 1 LIMIT 1")
    await store.delete(item.bucket, [key])
    found = await _complete(run)
    assert (found.passed, found.metadata["broken"].value) == (False, 1)
    assert key in str(found.metadata["what"].value)


async def test_what_a_served_playlist_names_counts_although_no_row_knows_it(item, run, store) -> None:
    text = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n../nowhere/0.m4s\n"
    await store.put(item.bucket, f"media/{item.media_id}/m1/240p.m3u8", text.encode(), "text/plain")
    found = await _complete(run)
    assert not found.passed
    assert f"media/{item.media_id}/nowhere/0.m4s" in str(found.metadata["what"].value)


@pytest.mark.parametrize(
    ("cut", "why"),
    [("#EXT-X-ENDLIST", "no end"), ("#EXTINF:4,\n../{digest}/2.m4s\n", "no finished list shows it")],
)
async def test_a_finished_list_that_became_shorter_is_found(item, run, store, cut: str, why: str) -> None:
    digest = await item.pool.fetchval("SELECT digest FROM media_ops.rendition WHERE name = '240p'")
    key = f"media/{item.media_id}/m1/240p.m3u8"
    whole = (await store.get(item.bucket, key)).decode()
    shorter = whole.replace(cut.format(digest=digest), "")
    assert shorter != whole
    await store.put(item.bucket, key, shorter.encode(), "text/plain")
    found = await _complete(run)
    assert (found.passed, found.metadata["broken"].value) == (False, 1)
    assert why in str(found.metadata["what"].value)


@pytest.fixture
async def hour_of_three(item, pool, store, objects, monkeypatch):
    """Three items of this hour, looked up one a portion; the last lacks a manifest."""
    monkeypatch.setattr(completeness, "AT_ONCE", 1)
    more = [await published(pool, store, objects.bucket_media) for _ in range(2)]
    items = sorted([item, *more], key=lambda one: one.media_id)
    await store.delete(objects.bucket_media, [f"media/{items[-1].media_id}/m1/master.m3u8"])
    yield items
    for one in more:
        await store.delete_prefix(objects.bucket_media, f"media/{one.media_id}/")


async def test_a_run_looks_at_every_package_of_the_hour(hour_of_three, run) -> None:
    found = await _complete(run)
    assert (found.passed, found.metadata["looked_at"].value) == (False, 3)
    assert f"media/{hour_of_three[-1].media_id}/m1/master.m3u8" in str(found.metadata["what"].value)


async def test_a_look_that_is_out_of_time_goes_on_behind_the_item_where_it_stopped(
    hour_of_three, pool, store
) -> None:
    looked, untils = integrity.Looked(0, ()), list[str]()
    async with pool.acquire() as connection:
        while not untils or looked.until:
            portion = await completeness.incomplete_packages(
                connection, store, hour_of(datetime.now(UTC)), after=looked.until, within_s=0
            )
            looked = looked.then(portion)
            untils.append(looked.until)
    assert untils == [*(str(one.media_id) for one in hour_of_three), ""]
    assert looked.at == 3
    assert {broken.media_id for broken in looked.broken} == {hour_of_three[-1].media_id}


def test_what_is_not_listed_of_a_long_look_is_still_counted() -> None:
    portion = integrity.Looked(10, tuple(integrity.Broken(f"{n}", "gone") for n in range(10)), until="x")
    looked = portion.then(portion).then(portion)
    assert (looked.at, looked.found, len(looked.broken)) == (30, 30, integrity.MOST_LISTED)


async def _orphans(item, store, *, after: str = "", now: datetime = LATER, most: int = 1000):
    """Look from this test's item on: others' objects stand before it or are no matter of its own."""
    start = after or f"media/{item.media_id}/"
    async with item.pool.acquire() as connection:
        looked = await integrity.orphan_objects(
            connection, store, item.bucket, after=start, now=now, most=most
        )
    return [broken.what for broken in looked.broken if str(item.media_id) in broken.what], looked


async def test_objects_with_rows_are_no_orphans(item, store) -> None:
    found, looked = await _orphans(item, store)
    assert found == []
    assert looked.at >= 11


async def test_an_object_without_a_row_is_an_orphan_once_it_is_an_hour_old(item, store) -> None:
    key = f"media/{item.media_id}/left-behind/0.m4s"
    await store.put(item.bucket, key, b"x", "video/mp4")
    assert (await _orphans(item, store))[0] == [key]
    assert (await _orphans(item, store, now=datetime.now(UTC)))[0] == []


async def test_objects_of_a_deleted_item_are_orphans_until_they_are_purged(item, store) -> None:
    await item.pool.execute("UPDATE media_ops.source SET state = 'deleted'")
    found, _ = await _orphans(item, store)
    assert len(found) == 12


async def test_a_look_is_bounded_and_the_next_one_goes_on_where_it_stopped(item, store) -> None:
    await store.put(item.bucket, f"media/{item.media_id}/zzz", b"x", "video/mp4")
    after, found, looks = f"media/{item.media_id}/", [], 0
    while not found:
        some, looked = await _orphans(item, store, after=after, most=5)
        assert looked.at <= 5
        found, after, looks = found + some, looked.until, looks + 1
    assert found == [f"media/{item.media_id}/zzz"]
    assert looks == 3


async def test_the_check_remembers_where_it_stopped(
    item, ledger, objects, pages, instance, monkeypatch
) -> None:
    monkeypatch.setattr(state_checks, "MOST_OBJECTS", 4)
    defs = dg.Definitions(
        asset_checks=[no_orphan_objects], resources={"ledger": ledger, "objects": objects, "pages": pages}
    )
    job = defs.get_implicit_global_asset_job_def()
    seen = []
    for _ in range(2):
        result = await asyncio.to_thread(job.execute_in_process, instance=instance)
        (found,) = result.get_asset_check_evaluations()
        seen.append((found.metadata["after"].value, found.metadata["until"].value))
    assert seen[0][0] == ""
    assert seen[0][1] == seen[1][0] < seen[1][1]
