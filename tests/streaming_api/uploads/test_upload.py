"""The way of an upload: begun, sent to S3 in parts, resumed, completed, cancelled."""

import os

import asyncpg
import httpx
import pytest

from mcsp.ids import uuid7
from mcsp.resources import Resources
from streaming_api.uploads import sweeps
from tests.streaming_api.api import Person

MIB = 1 << 20


def test_a_file_becomes_an_item_with_a_source(ann: Person) -> None:
    upload = ann.begin(11, title="  My clip ", visibility="unlisted")
    assert ann.http.get(f"/v1/media/{upload['media_id']}").json()["status"] == "uploading"
    answer = ann.complete(upload, ann.put(upload, b"hello media"))
    assert (answer.status_code, answer.json()) == (202, {"media_id": upload["media_id"]})
    item = ann.http.get(f"/v1/media/{upload['media_id']}").json()
    assert item["status"] in ("inspecting", "failed")  # a worker may have looked at it already
    assert (item["title"], item["visibility"], item["audience"]) == ("My clip", "unlisted", "public")


async def test_the_stored_object_is_the_file(ann: Person, admin: asyncpg.Pool, resources: Resources) -> None:
    content = os.urandom(17 * MIB + 123)
    upload = ann.begin(len(content))
    assert [part["size"] for part in upload["parts"]] == [8 * MIB, 8 * MIB, MIB + 123]
    assert ann.complete(upload, ann.put(upload, content)).status_code == 202
    row = await admin.fetchrow(
        "SELECT bucket, key, size_bytes, etag FROM media_ops.source WHERE media_id = $1", upload["media_id"]
    )
    assert row
    store = await resources.store()
    assert row["size_bytes"] == len(content)
    assert (await store.head(row["bucket"], row["key"])).etag == row["etag"]
    assert await store.get(row["bucket"], row["key"]) == content


def test_a_title_comes_from_the_files_name_and_a_path_is_only_a_label(ann: Person) -> None:
    upload = ann.begin(5, filename="../../etc/My  film\u202e.final.MP4")
    shown = ann.http.get(f"/v1/uploads/{upload['upload_id']}").json()
    assert shown["filename"] == "My  film.final.MP4"
    assert ann.http.get(f"/v1/media/{upload['media_id']}").json()["title"] == "My  film.final"


def test_after_a_break_a_client_learns_which_parts_are_there(ann: Person) -> None:
    content = os.urandom(2 * 8 * MIB + 5)
    upload = ann.begin(len(content))
    first = {**upload, "parts": upload["parts"][1:2]}
    (sent,) = ann.put(first, content)
    shown = ann.http.get(f"/v1/uploads/{upload['upload_id']}").json()
    assert shown["state"] == "open"
    assert shown["parts"] == [{"number": 2, "etag": sent["etag"].strip('"'), "size": 8 * MIB}]
    assert upload["upload_id"] in [x["upload_id"] for x in ann.http.get("/v1/uploads").json()["items"]]
    again = ann.http.get(f"/v1/uploads/{upload['upload_id']}/parts?from=3").json()
    assert [part["number"] for part in again["parts"]] == [3]
    missing = {**upload, "parts": [upload["parts"][0], again["parts"][0]]}
    assert ann.complete(upload, [*ann.put(missing, content), sent]).status_code == 202
    assert upload["upload_id"] not in [x["upload_id"] for x in ann.http.get("/v1/uploads").json()["items"]]


def test_many_parts_come_in_pages_of_addresses(ann: Person) -> None:
    upload = ann.begin(250 * 8 * MIB)
    assert [part["number"] for part in upload["parts"]] == list(range(1, 101))
    path = f"/v1/uploads/{upload['upload_id']}/parts"
    page = ann.http.get(f"{path}?from=101").json()
    assert (page["parts"][0]["number"], page["parts"][-1]["number"], page["next_from"]) == (101, 200, 201)
    last = ann.http.get(f"{path}?from=201").json()
    assert last["parts"][-1]["number"] == 250
    assert "next_from" not in last
    assert len(ann.http.get(f"{path}?from=7&limit=1").json()["parts"]) == 1
    assert ann.http.get(f"{path}?from=251").json()["code"] == "no_such_part"


def test_the_store_refuses_a_part_of_another_size(ann: Person) -> None:
    upload = ann.begin(11)
    assert httpx.put(upload["parts"][0]["url"], content=b"much more than announced").status_code == 403
    assert httpx.put(upload["parts"][0]["url"], content=b"less").status_code == 403


def test_completing_again_answers_the_same_and_makes_nothing_more(ann: Person) -> None:
    upload = ann.begin(11)
    parts = ann.put(upload, b"hello media")
    first, again = ann.complete(upload, parts), ann.complete(upload, parts)
    assert first.status_code == again.status_code == 202
    assert first.json() == again.json()


def test_one_key_makes_one_upload_with_fresh_addresses(ann: Person) -> None:
    body = {"filename": "a.mp4", "size": 11, "content_type": "video/mp4"}
    key = {"Idempotency-Key": uuid7().hex}
    first = ann.http.post("/v1/uploads", json=body, headers=key)
    again = ann.http.post("/v1/uploads", json=body, headers=key)
    assert first.json()["upload_id"] == again.json()["upload_id"]
    assert again.headers["idempotency-replayed"] == "true"
    other = ann.http.post("/v1/uploads", json=body | {"size": 12}, headers=key)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")


async def test_a_cancelled_upload_leaves_nothing(
    ann: Person, admin: asyncpg.Pool, resources: Resources
) -> None:
    upload = ann.begin(11)
    parts = ann.put(upload, b"hello media")
    path = f"/v1/uploads/{upload['upload_id']}"
    assert ann.http.delete(path).status_code == ann.http.delete(path).status_code == 204
    assert ann.http.get(f"/v1/media/{upload['media_id']}").status_code == 404
    refused = ann.complete(upload, parts)
    assert (refused.status_code, refused.json()["code"]) == (409, "upload_aborted")
    assert ann.http.get(f"{path}/parts").json()["code"] == "upload_aborted"
    row = await admin.fetchrow(
        "SELECT bucket, key FROM uploads.upload WHERE upload_id = $1", upload["upload_id"]
    )
    assert row
    begun, _ = await (await resources.store()).list_multipart(row["bucket"], row["key"], 10)
    assert begun == []


def test_a_finished_upload_cannot_be_cancelled(ann: Person) -> None:
    upload = ann.begin(11)
    ann.complete(upload, ann.put(upload, b"hello media"))
    answer = ann.http.delete(f"/v1/uploads/{upload['upload_id']}")
    assert (answer.status_code, answer.json()["code"]) == (409, "upload_done")


async def test_an_item_deleted_while_it_arrives_is_not_made_and_its_parts_go(
    ann: Person, bob: Person, admin: asyncpg.Pool, resources: Resources
) -> None:
    upload = ann.begin(11)
    parts = ann.put(upload, b"hello media")
    item, state = f"/v1/media/{upload['media_id']}", f"/v1/uploads/{upload['upload_id']}"
    assert bob.http.delete(item).status_code == 404
    assert ann.http.get(state).json()["state"] == "open"
    assert ann.http.delete(item).status_code == ann.http.delete(item).status_code == 204
    assert upload["upload_id"] not in [x["upload_id"] for x in ann.http.get("/v1/uploads").json()["items"]]
    answer = ann.complete(upload, parts)
    assert (answer.status_code, answer.json()["code"]) == (409, "upload_aborted")
    pool, store = await resources.pool("uploads"), await resources.store()
    await sweeps.clean_ended(pool, store, settled_s=0)
    row = await admin.fetchrow("SELECT * FROM uploads.upload WHERE upload_id = $1", upload["upload_id"])
    assert row
    assert row["cleaned_at"]
    assert (await store.list_multipart(row["bucket"], row["key"], 10))[0] == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda parts: [], "invalid_request"),
        (lambda parts: parts[:1], "wrong_parts"),
        (lambda parts: [*parts, {"number": 3, "etag": "x"}], "wrong_parts"),
        (lambda parts: [parts[0], parts[0]], "wrong_parts"),
        (lambda parts: [parts[0], {**parts[1], "number": 10_000}], "wrong_parts"),
        (lambda parts: [parts[0], {**parts[1], "number": 0}], "invalid_request"),
        (lambda parts: [parts[0], {**parts[1], "number": 10_001}], "invalid_request"),
        (lambda parts: [parts[0], {**parts[1], "etag": '"' + "0" * 32 + '"'}], "etag_mismatch"),
        (lambda parts: [{**parts[0], "etag": parts[1]["etag"]}, parts[1]], "etag_mismatch"),
    ],
)
def test_wrong_parts_are_refused_by_name_and_can_be_mended(ann: Person, change, code: str) -> None:
    content = os.urandom(8 * MIB + 1)
    upload = ann.begin(len(content))
    parts = ann.put(upload, content)
    answer = ann.complete(upload, change(parts))
    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert ann.complete(upload, list(reversed(parts))).status_code == 202


def test_parts_that_have_not_arrived_are_named(ann: Person) -> None:
    upload = ann.begin(2 * 8 * MIB)
    answer = ann.complete(upload, [{"number": 1, "etag": "a"}, {"number": 2, "etag": "b"}])
    assert answer.json()["code"] == "parts_missing"
    assert answer.json()["details"]["parts"] == [1, 2]


async def test_a_size_that_lies_is_refused(ann: Person, options, resources: Resources) -> None:
    """The presigned address binds the size; whoever gets round it (an S3 that does not check) is caught."""
    upload = ann.begin(11)
    store = await resources.store()
    pool = await resources.pool("uploads")
    row = await pool.fetchrow("SELECT * FROM uploads.upload WHERE upload_id = $1", upload["upload_id"])
    assert row
    url = resources.presigner.part(row["bucket"], row["key"], row["store_upload"], 1, 60)
    async with httpx.AsyncClient() as client:
        etag = (await client.put(url, content=b"twice as long as said")).headers["etag"]
    answer = ann.complete(upload, [{"number": 1, "etag": etag}])
    assert (answer.status_code, answer.json()["code"]) == (400, "size_mismatch")
    assert len(await store.list_parts(row["bucket"], row["key"], row["store_upload"])) == 1
