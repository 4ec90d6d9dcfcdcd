"""Materialising an hour makes it whole: only what is missing, within bounds, with its lineage and checks."""

import asyncio
from datetime import UTC, datetime

import asyncpg
import dagster as dg
import pytest

from assets.partitions import key_of
from mcsp.ids import uuid7
from media_ops import waiting
from media_ops.ledger import endings
from media_ops.lineage import hour_of, lineage_of
from tests.media_ops.items import PERMANENT, Item, new_item, two_step_plan


def _now() -> str:
    return key_of(hour_of(datetime.now(UTC)))


def _numbers(result: dg.ExecuteInProcessResult, name: str) -> dict[str, object]:
    (found,) = result.asset_materializations_for_node(name)
    return {key: value.value for key, value in found.metadata.items()}


def _checks(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetCheckEvaluation]:
    return {one.check_name: one for one in result.get_asset_check_evaluations()}


async def _ready(pool) -> Item:
    item = await new_item(pool)
    await item.planned(two_step_plan(rest=()))
    lease = await item.taken()
    await item.publish(lease)
    await endings.complete(pool, lease)
    await item.render()
    assert await item.state() == "ready"
    return item


async def _lose_inspection(item: Item) -> None:
    """As after a restore of an old backup: the source is there, its inspect job is not."""
    await item.pool.execute("DELETE FROM media_ops.job WHERE media_id = $1", item.media_id)


async def test_a_missing_job_is_enqueued_once_however_often_the_hour_is_materialised(pool, run) -> None:
    item = await new_item(pool)
    await _lose_inspection(item)
    assert await item.stuck() == ["no_live_job"]
    first, second = [_numbers(await run("sources", _now(), 0), "sources") for _ in range(2)]
    assert (first["jobs_enqueued"], second["jobs_enqueued"]) == (1, 0)
    assert [job["state"] for job in await item.jobs("inspect")] == ["queued"]
    assert await item.stuck() == []


async def test_a_whole_hour_is_left_alone_and_says_its_numbers(pool, run) -> None:
    await _ready(pool)
    jobs = await pool.fetch("SELECT * FROM media_ops.job ORDER BY job_id")
    first = _numbers(await run("renditions", _now(), 60), "renditions")
    second = _numbers(await run("renditions", _now(), 60), "renditions")
    assert (first["items"], first["finished"], first["failed"]) == (2, 2, 0)
    assert (first["media_seconds"], first["bytes"]) == (24.0, 6000)
    assert (first["lineage_rows_changed"], second["lineage_rows_changed"]) == (2, 0)
    assert await pool.fetch("SELECT * FROM media_ops.job ORDER BY job_id") == jobs


@pytest.mark.parametrize(("kind", "missing"), [("video", 1), ("audio", 0)])
async def test_art_is_missing_of_a_video_and_not_of_a_sound_without_a_picture(
    pool, run, kind: str, missing: int
) -> None:
    item = await _ready(pool)
    await pool.execute("DELETE FROM media_ops.job WHERE kind = 'art' AND media_id = $1", item.media_id)
    await pool.execute("UPDATE media_ops.source SET kind = $1", kind)
    assert _numbers(await run("renditions", _now(), 60), "renditions")["jobs_enqueued"] == missing


async def test_it_waits_for_the_workers(pool, run) -> None:
    item = await new_item(pool)
    result, _ = await asyncio.gather(run("sources", _now(), 120), item.planned(two_step_plan()))
    assert _checks(result)["whole"].passed
    assert _numbers(result, "sources")["finished"] == 1


async def test_what_the_ledger_tells_ends_the_wait_at_once(pool, monkeypatch) -> None:
    monkeypatch.setattr(waiting, "RECHECK_S", 3600.0)
    item = await new_item(pool)
    looks: list[str] = []

    async def not_inspected() -> tuple[str, ...]:
        looks.append(await item.state())
        if len(looks) == 1:
            await item.planned(two_step_plan())
        return tuple(look for look in looks[-1:] if look == "inspecting")

    async with pool.acquire() as connection:
        waited = await waiting.until_nothing_waits(connection, not_inspected, wait_s=3600)
    assert waited.left == ()
    assert looks[-1] == "processing"


async def test_an_hour_that_is_not_whole_at_the_bound_is_a_warning_while_work_goes_on(pool, run) -> None:
    await new_item(pool)
    result = await run("sources", _now(), 0)
    whole = _checks(result)["whole"]
    assert result.success
    assert not whole.passed
    assert whole.severity is dg.AssetCheckSeverity.WARN
    assert whole.metadata["waiting"].value == 1


async def test_an_item_that_nobody_works_on_is_an_error_and_fails_the_run(pool, run) -> None:
    item = await new_item(pool)
    await item.planned(two_step_plan())
    await pool.execute("DELETE FROM media_ops.job WHERE media_id = $1", item.media_id)
    await pool.execute("DELETE FROM media_ops.rendition WHERE media_id = $1", item.media_id)
    result = await run("packages", _now(), 0)
    whole = _checks(result)["whole"]
    assert not result.success
    assert whole.severity is dg.AssetCheckSeverity.ERROR
    assert "mcsp jobs replay" in str(whole.description)
    assert "mcsp status" not in str(whole.description)


async def test_where_nobody_works_the_checks_send_to_the_workers_and_not_to_the_jobs(
    pool, run, check
) -> None:
    await new_item(pool)
    await pool.execute("UPDATE media_ops.job SET due_at = now() - interval '200 s'")
    result = await run("sources", _now(), 0)
    for found in (_checks(result)["whole"], await check()):
        assert not found.passed
        assert "`mcsp status`" in str(found.description)
        assert "worker-1.log" in str(found.description)
        assert "replay" not in str(found.description)


async def test_a_failed_item_does_not_hold_up_its_hour(pool, run) -> None:
    item = await new_item(pool)
    await endings.fail(pool, await item.taken(), PERMANENT)
    result = await run("sources", _now(), 60)
    assert _checks(result)["whole"].passed
    assert _numbers(result, "sources")["failed"] == 1


async def test_another_hour_has_nothing_of_it(pool, run) -> None:
    await _ready(pool)
    numbers = _numbers(await run("sources", "2025-06-01-12:00", 0), "sources")
    assert (numbers["items"], numbers["jobs_enqueued"]) == (0, 0)


async def test_the_lineage_of_an_item_leads_from_its_upload_to_its_renditions(pool, run) -> None:
    item = await _ready(pool)
    results = [await run(name, _now(), 60) for name in ("sources", "renditions")]
    async with pool.acquire() as connection:
        rows = await lineage_of(connection, item.media_id)
    assert [row["asset"] for row in rows] == ["sources", "renditions", "renditions"]
    source, *made = rows
    assert source["inputs"] == [f"s3://mcsp-source/uploads/{item.media_id}/1"]
    assert all(row["inputs"] == [source["output"]] for row in made)
    assert [row["run_id"] for row in rows] == [results[0].run_id, results[1].run_id, results[1].run_id]


async def test_a_rendition_that_bears_a_wrong_name_is_found(pool, run) -> None:
    item = await _ready(pool)
    assert _checks(await run("renditions", _now(), 60))["digests_match_recipe"].passed
    await pool.execute(
        """UPDATE media_ops.rendition SET rung = jsonb_set(rung, '{bitrate}', '1')
           WHERE media_id = $1 AND name = '240p'""",
        item.media_id,
    )
    wrong = _checks(await run("renditions", _now(), 60))["digests_match_recipe"]
    assert not wrong.passed
    assert (wrong.metadata["looked_at"].value, wrong.metadata["broken"].value) == (2, 1)


async def test_the_table_of_examples_links_to_the_watch_page_and_shows_no_markup_of_a_file_name(
    pool, run
) -> None:
    item = await new_item(pool)
    await pool.execute("UPDATE media_ops.source SET filename = '[x](javascript:1)|<b>.mp4'")
    shown = str(_numbers(await run("sources", _now(), 0), "sources")["examples"])
    assert f"(http://127.0.0.1:1/watch/{item.media_id})" in shown
    assert "javascript:" not in shown
    assert "<b>" not in shown


_UPLOAD = """
INSERT INTO uploads.upload (upload_id, media_id, owner_id, filename, content_type, size_bytes, part_size,
                            bucket, key, store_upload, expires_at)
VALUES ($1, $1, $1, 'a.mp4', 'video/mp4', 1, 1, 'b', 'k', 's', now() - make_interval(mins => $2))
"""


async def test_never_stuck_fails_on_an_upload_that_did_not_end(postgres_server, database, check) -> None:
    uploads = await asyncpg.connect(postgres_server.dsn("uploads", database))
    late, overdue = uuid7(), uuid7()
    await uploads.execute(_UPLOAD, late, 9)
    assert (await check()).passed
    await uploads.execute(_UPLOAD, overdue, 11)
    await uploads.close()
    found = await check()
    assert not found.passed
    assert str(overdue) in str(found.metadata["items"].value)
    assert str(late) not in str(found.metadata["items"].value)
    assert "sweeper" in found.description
    assert "mcsp jobs" not in found.description


async def test_never_stuck_passes_on_live_work_and_fails_on_an_item_without(pool, check) -> None:
    item = await new_item(pool)
    assert (await check()).passed
    await _lose_inspection(item)
    found = await check()
    assert not found.passed
    assert str(item.media_id) in str(found.metadata["items"].value)
