"""Every answer has a receipt of what it was made of; equal answers share one."""

from datetime import UTC, datetime

from tests.streaming_api.api import Person
from tests.streaming_api.creators.plays import PARTITION, READ_UP_TO, Plays
from tests.streaming_api.seed import Seeds

DAY = datetime(2026, 3, 14, tzinfo=UTC)
RANGE = {"from": "2026-03-14T00:00:00Z", "to": "2026-03-14T01:00:00+01:00", "grain": "hour"}


def receipt_of(person: Person, **query: str) -> dict:
    receipt_id = person.http.get("/v1/creators/me/metrics", params=query).json()["receipt_id"]
    return person.http.get(f"/v1/creators/me/receipts/{receipt_id}").raise_for_status().json()


async def test_a_receipt_names_all_that_its_answer_was_made_of(
    creator: Person, seeds: Seeds, plays: Plays
) -> None:
    media_id = await seeds.playing(creator.user_id)
    await plays.add(media_id, started=DAY)
    receipt = receipt_of(creator, media_id=str(media_id), **RANGE)
    inputs = receipt["inputs"]
    assert inputs["query"] == {
        "media_id": str(media_id), "from": "2026-03-14T00:00:00Z", "to": "2026-03-14T00:00:00Z",
        "grain": "hour",
    }  # fmt: skip
    assert inputs["items"] == [{"media_id": str(media_id), "length_ms": 61_500}]
    assert (inputs["topic"], inputs["offsets"][PARTITION]) == ("events.raw", READ_UP_TO)
    assert (inputs["rule_version"], receipt["sealed"]) == (1, False)
    assert any("30 seconds" in sentence for sentence in receipt["rule"])
    assert plays.keys.viewer(None).hex() not in str(receipt)
    assert len(receipt["answer_sha256"]) == 64


async def test_equal_answers_share_a_receipt_and_others_do_not(creator: Person, seeds: Seeds) -> None:
    first = receipt_of(creator, **RANGE)
    again = receipt_of(creator, **(RANGE | {"to": "2026-03-14T00:00:00Z"}))
    assert (again["receipt_id"], again["made_at"]) == (first["receipt_id"], first["made_at"])
    assert receipt_of(creator, **(RANGE | {"grain": "day"}))["receipt_id"] != first["receipt_id"]
    await seeds.playing(creator.user_id)
    assert receipt_of(creator, **RANGE)["receipt_id"] != first["receipt_id"]


def test_what_is_no_receipt_is_not_found(creator: Person) -> None:
    for wrong in ("x", "0" * 64, "a" * 3000):
        assert creator.http.get(f"/v1/creators/me/receipts/{wrong}").status_code == 404
