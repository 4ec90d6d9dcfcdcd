"""Playback: who may play, signed addresses, sessions."""

import base64
import hashlib
import hmac
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcsp.errors import InvalidInputError
from mcsp.ids import uuid7
from mcsp.settings import Settings
from streaming_api.play_sessions import PlaySession, SessionKeys
from streaming_api.signer import BEYOND_DURATION_S, LONGEST_S, STEP_S, HmacSigner, expiry
from tests.streaming_api.api import ApiProcess, Person
from tests.streaming_api.seed import Seeds


async def test_anybody_plays_a_public_item(api: ApiProcess, ann: Person, seeds: Seeds) -> None:
    media_id = await seeds.playing(ann.user_id, versions=3, growing=True)
    async with httpx.AsyncClient() as client:
        answer = (await client.get(f"{api.url}/v1/playback/{media_id}")).json()
    base = answer["hls_url"].rsplit("/m3/", 1)[0]
    assert answer["hls_url"] == f"{base}/m3/master.m3u8"
    assert answer["dash_url"] == f"{base}/m3/manifest.mpd#t=0", "a growing one begins at its start"
    assert answer["poster_url"] == f"{base}/art/poster-1.jpg"
    assert base.endswith(f"/media/{media_id}")
    assert (answer["manifest_version"], answer["growing"], answer["duration_s"]) == (3, True, 61.5)
    assert len(answer["session_id"]) <= 200


async def test_the_address_is_the_documented_form(
    api: ApiProcess, ann: Person, seeds: Seeds, options: Settings
) -> None:
    media_id = await seeds.playing(ann.user_id, poster=False)
    async with httpx.AsyncClient() as client:
        answer = (await client.get(f"{api.url}/v1/playback/{media_id}")).json()
    _, b, expires, signature, rest = urlsplit(answer["hls_url"]).path.split("/", 4)
    key = options.path_signing_key.get_secret_value().encode()
    digest = hmac.new(key, f"{expires} media/{media_id}/".encode(), hashlib.sha256).digest()
    assert (b, rest) == ("b", f"media/{media_id}/m1/master.m3u8")
    assert signature == base64.urlsafe_b64encode(digest).decode().rstrip("=")
    assert int(expires) == answer["expires_at"]
    assert answer["poster_url"] is None


@pytest.mark.parametrize(
    ("visibility", "audience", "played"),
    [
        ("public", "public", True), ("unlisted", "public", True), ("private", "public", False),
        ("public", "owner", False), ("public", "held", False),
    ],
)  # fmt: skip
async def test_others_play_what_they_may_see_and_the_owner_plays_all(
    api: ApiProcess, ann: Person, bob: Person, seeds: Seeds, visibility: str, audience: str, played: bool
) -> None:
    media_id = await seeds.playing(ann.user_id, visibility=visibility, audience=audience)
    path = f"/v1/playback/{media_id}"
    assert ann.http.get(path).status_code == 200
    assert bob.http.get(path).status_code == (200 if played else 404)
    async with httpx.AsyncClient() as client:
        assert (await client.get(api.url + path)).status_code == (200 if played else 404)


async def test_what_does_not_play_yet_says_so(ann: Person, bob: Person, seeds: Seeds) -> None:
    for media_id in (await seeds.item(ann.user_id), await seeds.failed(ann.user_id, retryable=True)):
        answer = ann.http.get(f"/v1/playback/{media_id}")
        assert (answer.status_code, answer.json()["code"]) == (409, "not_playable_yet")
    hidden = await seeds.item(ann.user_id, audience="owner")
    assert bob.http.get(f"/v1/playback/{hidden}").status_code == 404


async def test_a_person_has_one_pseudonym_and_a_stranger_a_new_one_each_time(
    api: ApiProcess, ann: Person, bob: Person, seeds: Seeds, options: Settings
) -> None:
    media_id = await seeds.playing(ann.user_id)
    keys = SessionKeys(options.play_session_key.get_secret_value())
    path = f"/v1/playback/{media_id}"
    sessions = [keys.read(person.http.get(path).json()["session_id"]) for person in (ann, ann, bob)]
    async with httpx.AsyncClient() as client:
        strangers = [keys.read((await client.get(api.url + path)).json()["session_id"]) for _ in range(2)]
    assert {session.media_id for session in sessions + strangers} == {media_id}
    assert sessions[0].viewer == sessions[1].viewer
    assert len({session.viewer for session in [*sessions[1:], *strangers]}) == 4
    assert UUID(ann.user_id).bytes not in {session.viewer for session in sessions}
    with pytest.raises(InvalidInputError):
        SessionKeys(options.path_signing_key.get_secret_value()).read(ann.http.get(path).json()["session_id"])


@given(st.binary(min_size=16, max_size=16), st.integers(0, 1 << 50), st.text(min_size=1))
def test_a_session_is_read_back_by_its_key_alone(viewer: bytes, started: int, other: str) -> None:
    session = PlaySession(uuid7(), viewer, started)
    session_id = SessionKeys("a secret").issue(session)
    assert SessionKeys("a secret").read(session_id) == session
    assert len(session_id) <= 200
    with pytest.raises(InvalidInputError):
        SessionKeys("a secret" + other).read(session_id)


@given(st.text(max_size=300))
def test_any_other_text_is_no_session(text: str) -> None:
    with pytest.raises(InvalidInputError):
        SessionKeys("a secret").read(text)


@given(st.integers(0, 75), st.integers(0, 255))
def test_a_changed_session_is_no_session(at: int, byte: int) -> None:
    keys = SessionKeys("a secret")
    good = keys.issue(PlaySession(UUID(int=7), b"v" * 16, 1))
    changed = good[:at] + chr(byte) + good[at + 1 :]
    if changed != good:
        with pytest.raises(InvalidInputError):
            keys.read(changed)


@given(st.floats(0, 1 << 33), st.none() | st.floats(0, 400_000))
def test_an_address_lives_for_the_duration_and_four_hours_at_most_a_day(
    now: float, duration_s: float | None
) -> None:
    lives = expiry(now, duration_s) - now
    wanted = (duration_s or 0) + BEYOND_DURATION_S
    assert lives <= LONGEST_S
    assert lives >= min(wanted, LONGEST_S - STEP_S)
    assert lives <= wanted + STEP_S
    assert expiry(now, duration_s) % STEP_S == 0


def test_two_items_and_two_expiries_have_different_signatures() -> None:
    signer = HmacSigner("http://pop/", "key")
    first, second = uuid7(), uuid7()
    bases = {signer.base(first, 600), signer.base(second, 600), signer.base(first, 1200)}
    assert len({base.split("/")[5] for base in bases}) == 3
