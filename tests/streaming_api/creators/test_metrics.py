"""A creator's numbers: the contract's shape, the rule's answer, what they rest on, bad questions."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from deploy.handle import StackHandle
from mcsp.ids import uuid7
from tests.streaming_api.api import ApiProcess, Person, await_true
from tests.streaming_api.creators.plays import READ_UP_TO, Plays
from tests.streaming_api.seed import Seeds

PATH = "/v1/creators/me/metrics"
DAY = datetime(2026, 3, 14, tzinfo=UTC)
NONE = {"bot_agent": 0, "own_play": 0, "too_short": 0, "repeat": 0}


def numbers(person: Person, **query: str) -> dict:
    answer = person.http.get(PATH, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_numbers_have_the_shape_of_the_contract(creator: Person, seeds: Seeds, plays: Plays) -> None:
    media_id = await seeds.playing(creator.user_id)
    await plays.add(media_id, started=DAY, viewer=uuid7())
    answer = numbers(creator)
    assert set(answer) == {"rows", "complete_until", "rule_version", "receipt_id"}
    assert answer["rule_version"] == 1
    assert answer["rows"] == [
        {"at": None, "views": 1, "watch_time_s": 40.0, "unique_viewers": 1, "plays": 1, "refused": NONE}
    ]


async def test_hours_and_days_hold_what_started_in_them(creator: Person, seeds: Seeds, plays: Plays) -> None:
    media_id, viewer = await seeds.playing(creator.user_id), uuid7()
    for hour in (1, 1.2, 5, 29):
        await plays.add(media_id, started=DAY + timedelta(hours=hour), viewer=viewer)
    days = numbers(creator, grain="day")["rows"]
    assert [(row["at"], row["views"], row["unique_viewers"]) for row in days] == [
        ("2026-03-14T00:00:00Z", 2, 1), ("2026-03-15T00:00:00Z", 1, 1),
    ]  # fmt: skip
    assert days[0]["refused"] == NONE | {"repeat": 1}
    hours = numbers(creator, grain="hour")["rows"]
    assert [row["at"][11:13] for row in hours] == ["01", "05", "05"]
    whole = numbers(creator)["rows"][0]
    assert (whole["views"], whole["unique_viewers"], whole["watch_time_s"]) == (3, 1, 160.0)
    assert sum(row["views"] for row in hours) == sum(row["views"] for row in days) == 3


async def test_a_range_begins_with_from_and_ends_before_to(
    creator: Person, seeds: Seeds, plays: Plays
) -> None:
    media_id = await seeds.playing(creator.user_id)
    for hour in (0, 1, 2):
        await plays.add(media_id, started=DAY + timedelta(hours=hour))
    one, two = "2026-03-14T01:00:00Z", "2026-03-14T03:00:00+01:00"
    assert numbers(creator, **{"from": one, "to": two})["rows"][0]["views"] == 1
    assert numbers(creator, **{"from": one})["rows"][0]["views"] == 2
    assert numbers(creator, to=one)["rows"][0]["views"] == 1
    assert numbers(creator, **{"from": one, "to": one, "grain": "hour"})["rows"] == []


async def test_own_plays_bots_and_short_ones_are_no_views_and_are_told(
    creator: Person, seeds: Seeds, plays: Plays
) -> None:
    media_id = await seeds.playing(creator.user_id)
    await plays.add(media_id, started=DAY, viewer=UUID(creator.user_id))
    await plays.add(media_id, started=DAY, device="bot")
    await plays.add(media_id, started=DAY, watched=((0, 5), (3, 6)))
    await plays.add(media_id, started=DAY)
    row = numbers(creator)["rows"][0]
    assert (row["views"], row["plays"], row["watch_time_s"]) == (1, 2, 86.0)
    assert row["refused"] == {"own_play": 1, "bot_agent": 1, "too_short": 1, "repeat": 0}


async def test_one_item_or_all_of_them(creator: Person, seeds: Seeds, plays: Plays) -> None:
    first, second = [await seeds.playing(creator.user_id) for _ in range(2)]
    for media_id in (first, second, second):
        await plays.add(media_id, started=DAY)
    assert numbers(creator, media_id=str(first))["rows"][0]["views"] == 1
    assert numbers(creator)["rows"][0]["views"] == 3
    items = creator.http.get("/v1/creators/me/items").json()["items"]
    assert [(item["media_id"], item["views"]) for item in items] == [(str(second), 2), (str(first), 1)]


async def test_views_of_a_deleted_item_stay(creator: Person, seeds: Seeds, plays: Plays) -> None:
    media_id = await seeds.playing(creator.user_id)
    await plays.add(media_id, started=DAY)
    assert creator.http.delete(f"/v1/media/{media_id}").status_code == 204
    assert numbers(creator)["rows"][0]["views"] == 1
    assert creator.http.get("/v1/creators/me/items").json()["items"][0]["deleted"] is True


async def test_what_is_not_read_up_to_is_not_counted(creator: Person, seeds: Seeds, plays: Plays) -> None:
    media_id = await seeds.playing(creator.user_id)
    await plays.add(media_id, started=DAY, offset=READ_UP_TO)
    assert numbers(creator)["rows"][0]["views"] == 0
    await plays.add(media_id, started=DAY, offset=READ_UP_TO - 1)
    assert numbers(creator)["rows"][0]["views"] == 1


def test_who_has_nothing_sees_zeros(creator: Person) -> None:
    answer = numbers(creator)
    assert answer["rows"] == [
        {"at": None, "views": 0, "watch_time_s": 0.0, "unique_viewers": 0, "plays": 0, "refused": NONE}
    ]
    assert numbers(creator, grain="day")["rows"] == []
    assert creator.http.get("/v1/creators/me/items").json()["items"] == []
    assert creator.http.get("/v1/creators/me/live").json()["plays"] == 0


@pytest.mark.parametrize(
    "query",
    ["grain=week", "from=yesterday", "from=2026-03-14T00:00:00", "to=x", "media_id=x",
     "from=2026-03-15T00:00:00Z&to=2026-03-14T00:00:00Z"],
)  # fmt: skip
def test_questions_that_make_no_sense_are_refused(creator: Person, query: str) -> None:
    answer = creator.http.get(f"{PATH}?{query}")
    assert answer.status_code == 400, answer.text
    assert answer.json()["detail"]


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_times_at_the_ends_of_the_calendar_are_taken(creator: Person, moment: str) -> None:
    for name in ("from", "to"):
        assert numbers(creator, **{name: moment})["rows"][0]["views"] == 0


def _readiness(person: Person) -> tuple[int, str]:
    answer = person.http.get("/readyz")
    return answer.status_code, answer.json()["dependencies"]["clickhouse"]["state"]


@pytest.mark.fault
async def test_while_clickhouse_is_away_numbers_are_refused_and_all_else_goes_on(
    stack: StackHandle, api: ApiProcess, creator: Person, seeds: Seeds, plays: Plays
) -> None:
    media_id = await seeds.playing(creator.user_id)
    await plays.add(media_id, started=DAY)
    with stack.held_down("clickhouse"):
        refused = creator.http.get(PATH)
        assert (refused.status_code, refused.json()["code"]) == (503, "numbers_unavailable")
        assert refused.headers["retry-after"]
        assert creator.http.get("/v1/creators/me/live").status_code == 503
        assert creator.http.get(f"/v1/playback/{media_id}").status_code == 200
        await_true(lambda: _readiness(creator) == (200, "down"), "the API is ready without ClickHouse")
    assert numbers(creator)["rows"][0]["views"] == 1
