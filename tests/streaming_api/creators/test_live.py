"""The live numbers: every minute of the last hour, and who watches now."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

from tests.streaming_api.api import Person
from tests.streaming_api.creators.plays import Plays
from tests.streaming_api.seed import Seeds


def live(person: Person, **query: str) -> dict:
    return person.http.get("/v1/creators/me/live", params=query).raise_for_status().json()


async def test_a_play_moves_the_live_numbers_at_once(creator: Person, seeds: Seeds, plays: Plays) -> None:
    media_id, now = await seeds.playing(creator.user_id), datetime.now(UTC)
    before = live(creator)
    assert (before["now_watching"], before["plays"]) == (0, 0)
    session = await plays.add(media_id, started=now, watched=(), kind="play_start", after_s=0)
    after = live(creator)
    assert (after["now_watching"], after["plays"], after["views"]) == (1, 1, 0)
    await plays.add(media_id, started=now, session=session, kind="play_end", after_s=0, watched=((0, 9),))
    assert live(creator)["now_watching"] == 0


async def test_each_of_the_last_sixty_minutes_is_there(creator: Person, seeds: Seeds, plays: Plays) -> None:
    media_id, now = await seeds.playing(creator.user_id), datetime.now(UTC)
    await plays.add(media_id, started=now - timedelta(minutes=10))
    await plays.add(media_id, started=now - timedelta(minutes=90))
    answer = live(creator, media_id=str(media_id))
    moments = [datetime.fromisoformat(minute["at"]) for minute in answer["minutes"]]
    assert len(moments) == 60
    assert {later - earlier for earlier, later in pairwise(moments)} == {timedelta(minutes=1)}
    assert (answer["plays"], answer["views"], answer["now_watching"]) == (1, 1, 0)
    assert sum(minute["plays"] for minute in answer["minutes"]) == 1
    assert sum(minute["watching"] for minute in answer["minutes"]) == 1


async def test_who_paused_a_bot_and_the_owner_do_not_watch(
    creator: Person, seeds: Seeds, plays: Plays
) -> None:
    media_id, now = await seeds.playing(creator.user_id), datetime.now(UTC)
    await plays.add(media_id, started=now, kind="play_start", after_s=0, device="bot")
    await plays.add(media_id, started=now, kind="play_start", after_s=0, viewer=UUID(creator.user_id))
    session = await plays.add(media_id, started=now, kind="play_start", after_s=0, watched=())
    await plays.add(media_id, started=now, kind="pause", after_s=0, session=session, watched=())
    assert live(creator)["now_watching"] == 0


async def test_a_session_that_fell_silent_does_not_watch(creator: Person, seeds: Seeds, plays: Plays) -> None:
    media_id, now = await seeds.playing(creator.user_id), datetime.now(UTC)
    await plays.add(media_id, started=now - timedelta(seconds=120), after_s=60)
    assert live(creator)["now_watching"] == 0
    await plays.add(media_id, started=now - timedelta(seconds=70), after_s=60)
    assert live(creator)["now_watching"] == 1


async def test_a_players_clock_that_is_minutes_off_changes_nothing(
    creator: Person, seeds: Seeds, plays: Plays
) -> None:
    media_id, now = await seeds.playing(creator.user_id), datetime.now(UTC)
    for number, told_s in enumerate((-200, 200), 1):
        await plays.add(media_id, started=now, after_s=0, told_s=told_s)
        assert live(creator)["now_watching"] == number


async def test_what_a_phone_sends_late_is_no_watching_now(
    creator: Person, seeds: Seeds, plays: Plays
) -> None:
    media_id, now = await seeds.playing(creator.user_id), datetime.now(UTC)
    await plays.add(media_id, started=now - timedelta(hours=3), after_s=3 * 3600, told_s=-2.9 * 3600)
    assert live(creator)["now_watching"] == 0
    assert creator.http.get("/v1/creators/me/metrics").json()["rows"][0]["views"] == 1
