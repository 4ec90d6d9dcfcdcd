"""Valkey is held down: uploads begin, go on and end; a key that comes again is known from the database."""

import pytest

from deploy.handle import StackHandle
from mcsp.ids import uuid7
from tests.streaming_api.api import ApiProcess, Person

FALLBACKS = "mcsp_cache_fallback_total"
NEW = {"filename": "clip.mp4", "size": 11, "content_type": "video/mp4"}


@pytest.mark.fault
def test_with_valkey_held_down_an_upload_goes_its_whole_way_once(
    ann: Person, api: ApiProcess, stack: StackHandle
) -> None:
    headers, ending = {"Idempotency-Key": uuid7().hex}, {"Idempotency-Key": uuid7().hex}
    before = api.metric(FALLBACKS)
    with stack.held_down("valkey"):
        begun = ann.http.post("/v1/uploads", json=NEW, headers=headers)
        assert begun.status_code == 201, begun.text
        assert api.metric(FALLBACKS) > before, "the key was looked up without Valkey"
        upload = begun.json()
        assert (
            ann.http.post("/v1/uploads", json=NEW, headers=headers).json()["upload_id"] == upload["upload_id"]
        )
        parts = ann.put(upload, b"hello media")
        assert ann.http.get(f"/v1/uploads/{upload['upload_id']}").json()["parts"]
        before = api.metric(FALLBACKS)
        answers = [ann.complete(upload, parts, **ending) for _ in range(2)]
        assert api.metric(FALLBACKS) > before, "complete ran without Valkey"
    answers.append(ann.complete(upload, parts, **ending))
    assert [answer.status_code for answer in answers] == [202] * 3
    assert {answer.json()["media_id"] for answer in answers} == {upload["media_id"]}
