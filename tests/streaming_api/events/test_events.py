"""Promises of ``POST /v1/events``: what is taken is in Kafka, reduced; what is bad is refused alone."""

import gzip
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from mcsp.contracts.events import Heartbeat, PlayStart
from mcsp.contracts.events.schemas import schemas
from mcsp.ids import uuid7
from mcsp.settings import Settings
from streaming_api.play_sessions import PlaySession, SessionKeys
from tests.streaming_api.api import ApiProcess, Person
from tests.streaming_api.events.topic import beat, event, messages, received

PHONE = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 "
    "Mobile Safari/537.36"
)
pytestmark = pytest.mark.stack


def post(api: ApiProcess, *events: Any, **headers: str) -> httpx.Response:
    return httpx.post(f"{api.url}/v1/events", json={"events": events}, headers=headers, timeout=30)


def codes(answer: httpx.Response) -> list[tuple[int, str]]:
    assert answer.status_code == 202, answer.text
    return [(refused["index"], refused["code"]) for refused in answer.json()["rejected"]]


async def test_a_sessions_events_are_one_message_with_what_the_server_knows(
    api: ApiProcess, item: UUID, session: str, kafka: str
) -> None:
    sent = [event("play_start", item, session, source="home"), beat(item, session, 0, 4.5, br=900)]
    before = datetime.now(UTC)
    answer = post(api, *sent, **{"user-agent": PHONE, "x-request-id": "request-of-test"})
    assert answer.status_code == 202
    assert answer.json() == {"accepted": 2, "rejected": []}
    [(key, message)] = await received(kafka, item)
    assert key == message.session_id == session
    assert [str(one.event_id) for one in message.events] == [one["event_id"] for one in sent]
    start, heartbeat = message.events
    assert isinstance(start, PlayStart)
    assert isinstance(heartbeat, Heartbeat)
    assert (heartbeat.position_s, heartbeat.watched, heartbeat.bitrate_kbps) == (4.5, ((0, 4.5),), 900)
    assert (message.device, message.agent, message.source) == ("phone", "Chrome Mobile", "home")
    assert (message.country, message.network, message.request_id) == (None, "private", "request-of-test")
    assert message.received_by
    assert before <= message.received_at <= datetime.now(UTC)
    assert message.started_at
    assert all(message.started_at <= one.time <= message.received_at for one in message.events)


async def test_address_agent_and_account_stay_outside(
    api: ApiProcess, ann: Person, item: UUID, kafka: str
) -> None:
    mine = ann.http.get(f"/v1/playback/{item}").json()["session_id"]
    answer = ann.http.post(
        "/v1/events", json={"events": [event("pause", item, mine)]}, headers={"user-agent": PHONE}
    )
    assert answer.json()["accepted"] == 1
    [raw] = [value for key, value in await messages(kafka) if key == mine]
    for secret in ("127.0.0.1", "Mozilla", "AppleWebKit", ann.user_id, UUID(ann.user_id).hex, ann.email):
        assert secret.encode() not in raw


async def test_two_sessions_are_two_messages_and_a_feeds_impressions_need_none(
    api: ApiProcess, item: UUID, kafka: str, ann: Person, bob: Person
) -> None:
    first, second = (person.http.get(f"/v1/playback/{item}").json()["session_id"] for person in (ann, bob))
    seen = event("impression", item, surface="home", slot=3)
    answer = post(
        api, event("pause", item, first), seen, event("pause", item, second), beat(item, first, 0, 1)
    )
    assert answer.json()["accepted"] == 4
    found = dict(await received(kafka, item))
    assert [len(found[key].events) for key in (first, second)] == [2, 1]
    [without] = [message for message in found.values() if not message.session_id]
    assert without.started_at is None
    assert found[without.viewer] is without
    assert str(without.events[0].event_id) == seen["event_id"]


async def test_bad_events_are_refused_one_by_one_and_good_ones_taken(
    api: ApiProcess, item: UUID, session: str, kafka: str
) -> None:
    good = beat(item, session, 0, 2)
    batch = [
        event("dance", item, session), good, 17, {**event("pause", item, session), "event_id": "no"},
        beat(item, session, 5, 2), event("pause", item, session, version=9), event("pause", item),
        event("pause", uuid7(), session), event("pause", item, "made up"), event("pause", None, session),
        event("impression", "not an id"), event("pause", item, session, source="s" * 65),
        event("pause", item, {"a": 1}),
    ]  # fmt: skip
    answer = post(api, *batch)
    assert codes(answer) == [
        (0, "unknown_type"), (2, "not_an_object"), (3, "bad_event_id"), (4, "bad_intervals"),
        (5, "unknown_version"), (6, "missing_field"), (7, "session_mismatch"), (8, "unknown_session"),
        (9, "missing_field"), (10, "bad_field"), (11, "bad_field"), (12, "unknown_session"),
    ]  # fmt: skip
    assert answer.json()["accepted"] == 1
    refused = {one["index"]: one["event_id"] for one in answer.json()["rejected"]}
    assert (refused[0], refused[2], refused[3]) == (batch[0]["event_id"], None, "no")
    [(_, message)] = await received(kafka, item)
    assert [str(one.event_id) for one in message.events] == [good["event_id"]]


async def test_a_session_of_somebody_else_is_refused_to_who_is_logged_in(
    api: ApiProcess, ann: Person, bob: Person, item: UUID
) -> None:
    anns = ann.http.get(f"/v1/playback/{item}").json()["session_id"]
    body = {"events": [beat(item, anns, 0, 30)]}
    assert codes(bob.http.post("/v1/events", json=body)) == [(0, "foreign_session")]
    assert codes(ann.http.post("/v1/events", json=body)) == []
    # The player's own last words carry no token: the session says whose they are, never the caller.
    assert codes(post(api, *body["events"])) == []


async def test_an_old_session_and_a_forged_one_are_refused(
    api: ApiProcess, item: UUID, options: Settings
) -> None:
    began = datetime.now(UTC) - timedelta(days=8)
    told = PlaySession(item, b"v" * 16, int(began.timestamp() * 1000))
    ours = SessionKeys(options.play_session_key.get_secret_value()).issue(told)
    theirs = SessionKeys("another secret").issue(told)
    answer = post(api, event("pause", item, ours), event("pause", item, theirs))
    assert codes(answer) == [(0, "session_expired"), (1, "unknown_session")]


async def test_an_expired_or_wrong_token_is_401_here_too(api: ApiProcess, item: UUID, session: str) -> None:
    answer = post(api, event("pause", item, session), authorization="Bearer nonsense")
    assert answer.status_code == 401


async def test_a_clock_three_days_off_does_not_move_a_play(
    api: ApiProcess, item: UUID, session: str, kafka: str
) -> None:
    off = datetime.now(UTC) + timedelta(days=3)
    assert codes(post(api, {**beat(item, session, 0, 2), "client_time": off.isoformat()})) == []
    [(_, message)] = await received(kafka, item)
    assert message.events[0].client_time == off
    assert message.events[0].time == message.received_at


def test_too_much_is_refused_as_a_whole(api: ApiProcess, item: UUID, session: str) -> None:
    answer = post(api, *[event("pause", item, session)] * 1001)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_many_events")
    assert post(api, *[1] * 10_000).status_code == 413
    answer = post(api, event("error", item, session, message="m" * (1 << 20)))
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_full_request_is_taken(api: ApiProcess, item: UUID, session: str, kafka: str) -> None:
    """As many events, and as many bytes, as are allowed: each grows when it is written out."""
    many = [beat(item, session, second, second + 1) for second in range(1000)]
    assert post(api, *many).json()["accepted"] == 1000
    wide = [event("heartbeat", item, session, position_s=1, watched=[[0, 1]] * 1000) for _ in range(100)]
    assert post(api, *wide).json()["accepted"] == 100
    assert [len(message.events) for _, message in await received(kafka, item)] == [1000, 100]


async def test_gzip_is_unpacked_and_a_bomb_is_not(api: ApiProcess, item: UUID, session: str) -> None:
    def packed(body: bytes, coding: str = "gzip") -> httpx.Response:
        headers = {"content-encoding": coding, "content-type": "application/json"}
        return httpx.post(f"{api.url}/v1/events", content=body, headers=headers)

    good = gzip.compress(msgspec.json.encode({"events": [event("pause", item, session)]}))
    assert packed(good).json() == {"accepted": 1, "rejected": []}
    bomb = gzip.compress(b'{"events": [' + b" " * (1 << 30 >> 2) + b"]}", compresslevel=9)
    assert len(bomb) < 1 << 20
    assert (packed(bomb).status_code, packed(bomb).json()["code"]) == (413, "body_too_large")
    for broken in (good[:-4], good + good, b"no gzip at all"):
        assert (packed(broken).status_code, packed(broken).json()["code"]) == (400, "bad_gzip")
    assert packed(good, "br").status_code == 415
    assert packed(b"{}", "identity").status_code == 400


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"events": 3}', b"\xff", b'{"events": [', b"[" * 100_000]
)
def test_what_is_no_batch_is_a_problem(api: ApiProcess, body: bytes) -> None:
    answer = httpx.post(f"{api.url}/v1/events", content=body)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"


def test_nothing_to_tell_is_taken(api: ApiProcess) -> None:
    assert post(api).json() == {"accepted": 0, "rejected": []}


def test_the_schema_is_served_as_it_is_published(api: ApiProcess) -> None:
    served = httpx.get(f"{api.url}/v1/events/schema").json()
    assert served == msgspec.json.decode(msgspec.json.encode(schemas()))


def test_another_sites_player_may_send_gzip(api: ApiProcess) -> None:
    headers = {"origin": "https://elsewhere.example", "access-control-request-method": "POST"}
    answer = httpx.options(f"{api.url}/v1/events", headers=headers)
    assert "content-encoding" in answer.headers["access-control-allow-headers"]
