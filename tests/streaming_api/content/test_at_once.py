"""Writes of content sent many times at once with one key: done once, and answered alike."""

import asyncpg

from mcsp.ids import uuid7
from tests.streaming_api.api import Person, at_once
from tests.streaming_api.seed import Seeds

TIMES = 8
KINDS = "SELECT kind, state FROM media_ops.job WHERE media_id = $1 ORDER BY kind, state"


def _key() -> dict:
    return {"headers": {"Idempotency-Key": uuid7().hex}}


async def test_a_change_is_made_once(ann: Person, seeds: Seeds, admin: asyncpg.Pool) -> None:
    media_id = await seeds.playing(ann.user_id)
    request = ("PATCH", f"/v1/media/{media_id}", {"json": {"title": "Renamed"}, **_key()})
    answers = await at_once(ann, [request] * TIMES)
    assert {(answer.status_code, answer.text) for answer in answers} == {(200, answers[0].text)}
    assert answers[0].json()["title"] == "Renamed"
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == TIMES - 1
    assert ann.http.patch(f"/v1/media/{media_id}", json={"title": "Later"}).status_code == 200
    late = (await at_once(ann, [request]))[0]
    assert (late.text, "idempotency-replayed" in late.headers) == (answers[0].text, True)
    assert ann.http.get(f"/v1/media/{media_id}").json()["title"] == "Later", "a repeat changes nothing"


async def test_an_item_is_deleted_once(ann: Person, seeds: Seeds, admin: asyncpg.Pool) -> None:
    once, often = await seeds.playing(ann.user_id), await seeds.playing(ann.user_id)
    assert ann.http.delete(f"/v1/media/{once}").status_code == 204
    answers = await at_once(ann, [("DELETE", f"/v1/media/{often}", _key())] * TIMES)
    assert {(answer.status_code, answer.content) for answer in answers} == {(204, b"")}
    put = [[row["kind"] for row in await admin.fetch(KINDS, item)] for item in (once, often)]
    assert put[0] == put[1] != []


async def test_failed_work_is_put_again_once(ann: Person, seeds: Seeds, admin: asyncpg.Pool) -> None:
    media_id = await seeds.failed(ann.user_id, retryable=True)
    answers = await at_once(ann, [("POST", f"/v1/media/{media_id}/retry", _key())] * TIMES)
    assert {(answer.status_code, answer.text) for answer in answers} == {(202, answers[0].text)}
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == TIMES - 1
    assert [row["kind"] for row in await admin.fetch(KINDS, media_id)] == ["encode"]


async def test_a_key_of_one_write_is_no_key_of_another(ann: Person, seeds: Seeds) -> None:
    media_id, key = await seeds.failed(ann.user_id, retryable=True), _key()
    path = f"/v1/media/{media_id}"
    assert ann.http.patch(path, json={"title": "A"}, **key).status_code == 200
    for method, target, more in (
        ("PATCH", path, {"json": {"title": "B"}}), ("DELETE", path, {}), ("POST", f"{path}/retry", {}),
    ):  # fmt: skip
        answer = ann.http.request(method, target, **more, **key)
        assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")
    assert ann.http.get(path).json()["title"] == "A"
