"""The server's time of an event: what a client's clock may say, and what not."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcsp.contracts.events import Pause
from streaming_api.events.times import stamp

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
START = NOW - timedelta(hours=2)
minutes = timedelta(minutes=1)


def pauses(*times: datetime) -> list[Pause]:
    return [Pause(event_id=uuid4(), client_time=time) for time in times]


def stamped(
    *times: datetime, started: datetime | None = START, sent: datetime | None = None
) -> list[datetime]:
    return [event.time for event in stamp(pauses(*times), NOW, started, sent)]


def test_a_good_clock_is_believed() -> None:
    times = [NOW - 90 * minutes, NOW - 3 * minutes, NOW]
    assert stamped(*times) == times
    assert stamped(*times, sent=NOW + 2 * minutes) == times


def test_a_phone_that_was_offline_keeps_the_hours_of_its_events() -> None:
    times = [START + 5 * minutes, START + 10 * minutes]
    assert stamped(*times) == times
    assert stamped(*times, sent=NOW - 1 * minutes) == times


@pytest.mark.parametrize("off", [timedelta(days=3), timedelta(days=-3), timedelta(days=365 * 70)])
def test_a_wrong_clock_is_set_right_and_distances_stay(off: timedelta) -> None:
    times = [NOW - 10 * minutes, NOW]
    wrong = [time + off for time in times]
    assert stamped(*wrong) == times
    assert stamped(*wrong, sent=NOW + off) == times


def test_a_wrong_clock_that_sends_late_is_set_right_where_it_says_when_it_sends() -> None:
    off = timedelta(days=3)
    assert stamped(NOW - 60 * minutes + off, sent=NOW + off) == [NOW - 60 * minutes]


def test_one_impossible_event_does_not_move_the_others() -> None:
    good = NOW - 10 * minutes
    assert stamped(good, NOW + timedelta(days=99)) == [good, NOW]


def test_without_a_session_a_day_is_believed() -> None:
    believed, old = NOW - timedelta(hours=23), NOW - timedelta(days=40)
    assert stamped(believed, started=None) == [believed]
    assert stamped(old, started=None) == [NOW]


anytime = st.datetimes(
    datetime(1970, 1, 1), datetime(2199, 12, 31),
    timezones=st.integers(-14, 14).map(lambda hours: timezone(timedelta(hours=hours))),
)  # fmt: skip


@given(st.lists(anytime, min_size=1, max_size=5), st.none() | anytime, st.none() | st.just(START))
def test_no_event_is_after_its_receipt_or_before_its_session(
    times: list[datetime], sent: datetime | None, started: datetime | None
) -> None:
    for event, said in zip(stamp(pauses(*times), NOW, started, sent), times, strict=True):
        assert (started or NOW - timedelta(days=1)) <= event.time <= NOW
        assert event.client_time == said
        assert event.client_time.tzinfo is UTC
        assert event.time.tzinfo is UTC
