"""Sent twice at once, killed in the middle, left lying: always exactly one item, or none and nothing left."""

import asyncio
import time
from collections.abc import Iterator

import asyncpg
import httpx
import pytest
from prometheus_client import REGISTRY

from deploy.handle import StackHandle
from mcsp.ids import uuid7
from mcsp.resources import Resources
from mcsp.s3 import ObjectStore, Part
from mcsp.s3_errors import TOTAL_S
from streaming_api.uploads import limits, orphans, sweeps
from tests.streaming_api.api import ApiProcess, Person, at_once

COUNTS = """
SELECT (SELECT count(*) FROM media_ops.source WHERE media_id = $1) AS sources,
       (SELECT count(*) FROM media_ops.job WHERE media_id = $1 AND kind = 'inspect') AS jobs,
       (SELECT count(*) FROM uploads.upload WHERE media_id = $1 AND state = 'done') AS done
"""


async def counts(admin: asyncpg.Pool, media_id: str) -> tuple[int, int, int]:
    row = await admin.fetchrow(COUNTS, media_id)
    assert row
    return row["sources"], row["jobs"], row["done"]


async def test_twelve_completes_at_once_make_one_item(ann: Person, admin: asyncpg.Pool) -> None:
    upload = ann.begin(11)
    parts = ann.put(upload, b"hello media")
    path = f"/v1/uploads/{upload['upload_id']}/complete"
    keys = [{}, {}, *({"headers": {"Idempotency-Key": "same"}} for _ in range(5)), {}, {}, {}, {}, {}]
    answers = await at_once(ann, [("POST", path, {"json": {"parts": parts}, **key}) for key in keys])
    assert {(answer.status_code, answer.text) for answer in answers} == {(202, answers[0].text)}
    assert await counts(admin, upload["media_id"]) == (1, 1, 1)


@pytest.mark.parametrize(("key", "refused"), [("of another upload", 409), ("x" * 201, 400), ("a\tb", 400)])
async def test_a_complete_whose_key_is_refused_has_joined_nothing(
    ann: Person, admin: asyncpg.Pool, resources: Resources, key: str, refused: int
) -> None:
    used = {"Idempotency-Key": f"{key} {uuid7()}" if refused == 409 else key}
    if refused == 409:
        first = ann.begin(11)
        assert ann.complete(first, ann.put(first, b"hello media"), **used).status_code == 202
    upload = ann.begin(11)
    parts = ann.put(upload, b"hello media")
    assert ann.complete(upload, parts, **used).status_code == refused
    row = await admin.fetchrow("SELECT * FROM uploads.upload WHERE upload_id = $1", upload["upload_id"])
    assert row
    assert (row["state"], row["joining_at"]) == ("open", None)
    assert not await _exists(await resources.store(), row["bucket"], row["key"])
    assert ann.complete(upload, parts).status_code == 202


async def test_complete_against_cancel_ends_one_way_alone(
    ann: Person, admin: asyncpg.Pool, resources: Resources
) -> None:
    for _ in range(6):
        upload = ann.begin(11)
        parts = ann.put(upload, b"hello media")
        path = f"/v1/uploads/{upload['upload_id']}"
        done, cancelled = await at_once(
            ann, [("POST", f"{path}/complete", {"json": {"parts": parts}}), ("DELETE", path, {})]
        )
        row = await admin.fetchrow("SELECT * FROM uploads.upload WHERE upload_id = $1", upload["upload_id"])
        assert row
        if row["state"] == "done":
            assert (done.status_code, cancelled.status_code) == (202, 409)
            assert await counts(admin, upload["media_id"]) == (1, 1, 1)
            continue
        assert (done.status_code, cancelled.status_code) == (409, 204)
        assert await counts(admin, upload["media_id"]) == (0, 0, 0)
        await sweeps.clean_ended(await resources.pool("uploads"), await resources.store(), settled_s=0)
        assert [x async for x in (await resources.store()).list(row["bucket"], row["key"])] == []


async def test_complete_against_the_deletion_of_its_item_ends_one_way_alone(
    ann: Person, admin: asyncpg.Pool
) -> None:
    for _ in range(6):
        upload = ann.begin(11)
        parts = ann.put(upload, b"hello media")
        complete = f"/v1/uploads/{upload['upload_id']}/complete"
        done, deleted = await at_once(
            ann,
            [
                ("POST", complete, {"json": {"parts": parts}}),
                ("DELETE", f"/v1/media/{upload['media_id']}", {}),
            ],
        )
        assert deleted.status_code == 204
        state = await admin.fetchval(
            "SELECT state FROM uploads.upload WHERE upload_id = $1", upload["upload_id"]
        )
        assert (done.status_code, state) in {(202, "done"), (409, "aborted")}
        left = "SELECT count(*) FROM media_ops.source WHERE media_id = $1 AND state <> 'deleted'"
        assert await admin.fetchval(left, upload["media_id"]) == 0


async def test_creations_with_one_key_at_once_make_one_upload(ann: Person) -> None:
    more = {
        "json": {"filename": "a.mp4", "size": 11, "content_type": "video/mp4"},
        "headers": {"Idempotency-Key": f"race-{time.time_ns()}"},
    }
    answers = await at_once(ann, [("POST", "/v1/uploads", more)] * 8)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["upload_id"] for answer in answers}) == 1


async def test_the_limit_of_open_uploads_holds_at_once(api: ApiProcess) -> None:
    person = Person(api.url)
    for _ in range(limits.MAX_OPEN_UPLOADS - 3):
        person.begin(5)
    more = {"json": {"filename": "a.mp4", "size": 11, "content_type": "video/mp4"}}
    answers = await at_once(person, [("POST", "/v1/uploads", more)] * 9)
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [429] * 6


@pytest.fixture
def mortal(stack: StackHandle) -> Iterator[ApiProcess]:
    """An API that this test kills."""
    process = ApiProcess(stack)
    try:
        process.start()
        yield process
    finally:
        process.kill()


@pytest.mark.fault
@pytest.mark.parametrize("moment", ["before the join", "after the join"])
async def test_an_api_killed_during_complete_and_a_client_that_repeats_make_one_item(
    mortal: ApiProcess, admin: asyncpg.Pool, resources: Resources, moment: str
) -> None:
    """The database is held so that the process stands exactly before S3's join, or behind it."""
    person = Person(mortal.url)
    upload = person.begin(11)
    parts = person.put(upload, b"hello media")
    row = await admin.fetchrow("SELECT * FROM uploads.upload WHERE upload_id = $1", upload["upload_id"])
    assert row
    store = await resources.store()
    held = {
        "before the join": "uploads.upload SET filename = filename",
        "after the join": "content.media SET title = title",
    }
    async with admin.acquire() as holding:
        transaction = holding.transaction()
        await transaction.start()
        await holding.execute(f"UPDATE {held[moment]} WHERE media_id = $1", row["media_id"])
        request = asyncio.create_task(asyncio.to_thread(_complete_and_die, person, upload, parts))
        if moment == "before the join":
            await _until(lambda: _waiting(admin), "complete waits for its row")
        else:
            await _until(lambda: _exists(store, row["bucket"], row["key"]), "S3 has joined the parts")
            await _until(lambda: _waiting(admin), "the transaction waits for the item's row")
        mortal.kill()
        await request
        await transaction.rollback()
    assert await counts(admin, upload["media_id"]) == (0, 0, 0)
    mortal.start()
    answer = await asyncio.to_thread(person.complete, upload, parts)
    assert (answer.status_code, answer.json()) == (202, {"media_id": upload["media_id"]})
    assert await counts(admin, upload["media_id"]) == (1, 1, 1)


def _complete_and_die(person: Person, upload: dict, parts: list[dict]) -> None:
    with pytest.raises(httpx.TransportError):
        person.complete(upload, parts)


async def _waiting(admin: asyncpg.Pool) -> bool:
    return bool(
        await admin.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND usename = 'uploads'"
        )
    )


async def _exists(store, bucket: str, key: str) -> bool:
    return bool([item async for item in store.list(bucket, key)])


async def _until(condition, what: str, within_s: float = 30) -> None:
    deadline = time.monotonic() + within_s
    while not await condition():
        assert time.monotonic() < deadline, f"{what}: not within {within_s} s"
        await asyncio.sleep(0.02)


@pytest.mark.fault
async def test_a_complete_that_nobody_repeats_is_finished_by_the_sweeper(
    mortal: ApiProcess, admin: asyncpg.Pool, resources: Resources
) -> None:
    person = Person(mortal.url)
    upload = person.begin(11)
    parts = person.put(upload, b"hello media")
    row = await admin.fetchrow("SELECT * FROM uploads.upload WHERE upload_id = $1", upload["upload_id"])
    assert row
    async with admin.acquire() as holding:
        transaction = holding.transaction()
        await transaction.start()
        await holding.execute("UPDATE content.media SET title = title WHERE media_id = $1", row["media_id"])
        request = asyncio.create_task(asyncio.to_thread(_complete_and_die, person, upload, parts))
        await _until(lambda: _waiting(admin), "the transaction waits for the item's row")
        mortal.kill()
        await request
        await transaction.rollback()
    pool, store = await resources.pool("uploads"), await resources.store()
    assert await sweeps.finish_joined(pool, store, older_s=0) >= 1
    assert await counts(admin, upload["media_id"]) == (1, 1, 1)


async def test_a_mark_without_a_join_opens_the_upload_again(
    ann: Person, admin: asyncpg.Pool, resources: Resources
) -> None:
    upload = ann.begin(11)
    await admin.execute(
        "UPDATE uploads.upload SET joining_at = now() WHERE upload_id = $1", upload["upload_id"]
    )
    await sweeps.finish_joined(await resources.pool("uploads"), await resources.store(), older_s=0)
    row = await admin.fetchrow(
        "SELECT state, joining_at FROM uploads.upload WHERE upload_id = $1", upload["upload_id"]
    )
    assert row
    assert (row["state"], row["joining_at"]) == ("open", None)
    assert ann.complete(upload, ann.put(upload, b"hello media")).status_code == 202


async def test_a_join_that_the_store_may_still_be_at_is_left_alone(
    ann: Person, admin: asyncpg.Pool, resources: Resources
) -> None:
    upload = ann.begin(11)
    mark = "UPDATE uploads.upload SET joining_at = now() - make_interval(secs => $2) WHERE upload_id = $1"
    await admin.execute(mark, upload["upload_id"], TOTAL_S + 1.0)
    await sweeps.finish_joined(await resources.pool("uploads"), await resources.store())
    row = await admin.fetchrow("SELECT * FROM uploads.upload WHERE upload_id = $1", upload["upload_id"])
    assert row
    assert row["joining_at"]


async def test_an_upload_whose_file_is_whole_is_finished_when_its_time_ends(
    ann: Person, admin: asyncpg.Pool, resources: Resources
) -> None:
    """The API was killed, and the store joined the parts later than the sweeper looked."""
    upload = ann.begin(11)
    parts = [Part(part["number"], part["etag"].strip('"')) for part in ann.put(upload, b"hello media")]
    pool, store = await resources.pool("uploads"), await resources.store()
    row = await admin.fetchrow(
        "UPDATE uploads.upload SET expires_at = now() WHERE upload_id = $1 RETURNING *", upload["upload_id"]
    )
    assert row
    await store.complete_multipart(row["bucket"], row["key"], row["store_upload"], parts)
    await sweeps.expire(pool, store)
    assert await counts(admin, upload["media_id"]) == (1, 1, 1)
    assert (await store.head(row["bucket"], row["key"])).size_bytes == 11


async def test_an_upload_left_lying_expires_with_its_item_and_its_parts(
    ann: Person, admin: asyncpg.Pool, resources: Resources
) -> None:
    upload = ann.begin(11)
    parts = ann.put(upload, b"hello media")
    await admin.execute(
        "UPDATE uploads.upload SET expires_at = now() WHERE upload_id = $1", upload["upload_id"]
    )
    pool, store = await resources.pool("uploads"), await resources.store()
    assert await sweeps.expire(pool, store) >= 1
    assert await sweeps.clean_ended(pool, store, settled_s=0) >= 1
    assert ann.http.get(f"/v1/media/{upload['media_id']}").status_code == 404
    assert ann.complete(upload, parts).json()["code"] == "upload_expired"
    row = await admin.fetchrow("SELECT * FROM uploads.upload WHERE upload_id = $1", upload["upload_id"])
    assert row
    assert row["cleaned_at"]
    assert (await store.list_multipart(row["bucket"], row["key"], 10))[0] == []


async def test_an_upload_that_cannot_end_is_counted_while_the_sweep_fails(
    ann: Person, admin: asyncpg.Pool, resources: Resources
) -> None:
    """The store says neither yes nor no of its file (nothing has such a name), so it may not be ended."""
    upload, no_name = ann.begin(11), "no bucket"
    late = """UPDATE uploads.upload SET bucket = $2, expires_at = now() - make_interval(mins => $3)
              WHERE upload_id = $1 RETURNING true"""
    pool, bucket = await resources.pool("uploads"), resources.settings.s3.bucket_source
    await admin.execute(late, upload["upload_id"], no_name, 9)
    assert await sweeps.measure(pool) == 0
    await admin.execute(late, upload["upload_id"], no_name, 11)
    try:
        with pytest.raises(ExceptionGroup):
            await sweeps.sweep_uploads(resources)
        assert REGISTRY.get_sample_value("mcsp_uploads_overdue") == 1
    finally:
        assert await admin.fetchval(late, upload["upload_id"], bucket, 11)
    await sweeps.expire(pool, await resources.store())
    assert await sweeps.measure(pool) == 0
    assert REGISTRY.get_sample_value("mcsp_uploads_overdue") == 0


async def test_parts_and_objects_without_a_row_go_and_all_else_stays(
    ann: Person, admin: asyncpg.Pool, resources: Resources
) -> None:
    bucket = resources.settings.s3.bucket_source
    pool, store = await resources.pool("uploads"), await resources.store()
    kept = ann.begin(11)
    orphan = "uploads/0192f000-0000-7000-8000-000000000001/0192f000-0000-7000-8000-000000000002"
    await store.put(bucket, orphan, b"nobody's", "video/mp4")
    await store.create_multipart(bucket, orphan, "video/mp4")
    media_id = ann.uploaded()
    await admin.execute("DELETE FROM uploads.sweep_cursor")
    assert await orphans.drop_orphan_uploads(pool, store, bucket, older_s=0) >= 1
    assert await orphans.drop_orphan_objects(pool, store, bucket, older_s=0) >= 1
    assert [item async for item in store.list(bucket, orphan)] == []
    assert (await store.list_multipart(bucket, orphan, 10))[0] == []
    row = await admin.fetchrow("SELECT bucket, key FROM media_ops.source WHERE media_id = $1", media_id)
    assert row
    assert (await store.head(row["bucket"], row["key"])).size_bytes == 11
    assert ann.complete(kept, ann.put(kept, b"hello media")).status_code == 202


async def test_open_uploads_in_front_never_hide_an_orphan_behind(
    ann: Person, admin: asyncpg.Pool, resources: Resources
) -> None:
    bucket = resources.settings.s3.bucket_source
    pool, store = await resources.pool("uploads"), await resources.store()
    kept = [ann.begin(11) for _ in range(6)]
    lost = {f"uploads/{uuid7()}/{uuid7()}" for _ in range(3)}
    for key in lost:
        await store.create_multipart(bucket, key, "video/mp4")
    await admin.execute("DELETE FROM uploads.sweep_cursor")
    for _ in range(await _stretches(store, bucket, 2)):
        await orphans.drop_orphan_uploads(pool, store, bucket, older_s=0, at_once=2)
    left = {upload.key for upload in (await store.list_multipart(bucket, "uploads/", 1000))[0]}
    assert not lost & left
    for upload in kept:
        assert ann.complete(upload, ann.put(upload, b"hello media")).status_code == 202


async def _stretches(store: ObjectStore, bucket: str, at_once: int) -> int:
    """How many runs go round once, also where the listing skips one for each that is dropped."""
    return len((await store.list_multipart(bucket, "uploads/", 1000))[0]) // at_once + 2


async def test_one_upload_that_cannot_be_cleaned_holds_up_no_other(
    ann: Person, admin: asyncpg.Pool, resources: Resources
) -> None:
    pool, store = await resources.pool("uploads"), await resources.store()
    bad, good = ann.begin(11), ann.begin(11)
    for upload in (bad, good):
        assert ann.http.delete(f"/v1/uploads/{upload['upload_id']}").status_code == 204
    refused = "UPDATE uploads.upload SET bucket = 'No_Such_Bucket' WHERE upload_id = $1"
    await admin.execute(refused, bad["upload_id"])
    with pytest.raises(ExceptionGroup, match=r"1 of \d+ failed"):
        await sweeps.clean_ended(pool, store, settled_s=0)
    cleaned = "SELECT cleaned_at IS NOT NULL FROM uploads.upload WHERE upload_id = $1"
    assert await admin.fetchval(cleaned, good["upload_id"])
    assert not await admin.fetchval(cleaned, bad["upload_id"])
    await admin.execute("UPDATE uploads.upload SET cleaned_at = now() WHERE upload_id = $1", bad["upload_id"])
