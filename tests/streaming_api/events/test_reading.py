"""One event is read or refused with a code, whatever it is."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcsp.contracts.events import TYPES, Heartbeat
from mcsp.errors import InvalidInputError
from streaming_api.events.reading import read
from tests.streaming_api.events.topic import beat, event

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
NEEDED = {"heartbeat": {"position_s": 1, "watched": []}, "play_end": {"position_s": 1, "watched": []}}


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_is_taken_with_what_the_contract_requires_and_no_more(kind: str) -> None:
    raw = event(kind, **NEEDED.get(kind, {}))
    taken = read(raw)
    assert type(taken) is TYPES[kind]
    assert str(taken.event_id) == raw["event_id"]
    assert taken.version == 1


def test_what_is_not_known_is_passed_over_and_the_servers_time_is_not_the_clients_to_say() -> None:
    taken = read(beat(1, "s", 0, 4, mood="good", time="2031-01-01T00:00:00Z", br=900))
    assert isinstance(taken, Heartbeat)
    assert (taken.watched, taken.bitrate_kbps) == (((0, 4),), 900)
    assert taken.time.year == 1970


BAD: list[tuple[str, Any]] = [
    ("not_an_object", 7),
    ("not_an_object", [event("pause")]),
    ("missing_field", {"event_id": "x"}),
    ("unknown_type", event("dance")),
    ("unknown_type", {**event("pause"), "type": ["pause"]}),
    ("unknown_version", event("pause", version=2)),
    ("unknown_version", event("pause", version=0)),
    ("unknown_version", event("pause", version="new")),
    ("bad_event_id", {**event("pause"), "event_id": "42"}),
    ("bad_event_id", {**event("pause"), "event_id": 42}),
    ("missing_field", event("heartbeat", position_s=1)),
    ("missing_field", event("play_end", watched=[])),
    ("bad_time", {**event("pause"), "client_time": "yesterday"}),
    ("bad_time", {**event("pause"), "client_time": "2026-03-01T12:00:00"}),
    ("bad_time", {**event("pause"), "client_time": 1772366400}),
    ("bad_time", {**event("pause"), "client_time": "0001-01-01T00:00:00+05:00"}),
    ("bad_time", {**event("pause"), "client_time": "9999-12-31T23:59:59-05:00"}),
    ("bad_intervals", beat(1, "s", 9, 4)),
    ("bad_intervals", beat(1, "s", -1, 4)),
    ("bad_intervals", beat(1, "s", 0, 90_000)),
    ("bad_intervals", beat(1, "s", 0, 1e300, position_s=1)),
    ("bad_intervals", event("heartbeat", position_s=1, watched=[[1, 2, 3]])),
    ("bad_intervals", event("heartbeat", position_s=1, watched=[[0, 1]] * 1001)),
    ("bad_intervals", event("heartbeat", position_s=1, watched="all")),
    ("bad_field", beat(1, "s", 0, 4, rate=0)),
    ("bad_field", event("error", message="m" * 501)),
    ("bad_field", event("seek", to_s=-1)),
]


@pytest.mark.parametrize(("code", "raw"), BAD)
def test_what_is_wrong_has_a_code(code: str, raw: Any) -> None:
    with pytest.raises(InvalidInputError) as refused:
        read(raw)
    assert refused.value.code == code


@pytest.mark.parametrize("at", ["1970-01-01T00:00:00Z", "2100-06-01T00:00:00Z", "2026-03-01T12:00:00+14:00"])
def test_a_strange_clock_is_no_reason_to_refuse(at: str) -> None:
    assert read({**event("pause"), "client_time": at}).client_time.tzinfo is not None


FIELDS = st.sampled_from(["event_id", "client_time", "watched", "rate", "position_s", "version", "time"])
TYPED = st.builds(
    lambda kind, rest: {**rest, "type": kind}, st.sampled_from([*TYPES]), st.dictionaries(FIELDS, JSON)
)


@given(JSON | TYPED)
def test_any_json_is_read_or_refused(raw: Any) -> None:
    try:
        outcome = type(read(raw))
    except InvalidInputError as refused:
        outcome = refused.code
    assert outcome in {code for code, _ in BAD} | set(TYPES.values())
