"""Only a signed, living address of the item itself is served; everything else is refused."""

import http.client
import time
import uuid
from typing import Any

import httpx
import pytest

from .conftest import Item, Pop, Store, await_true, sign


def raw_status(pop: Pop, path: str, method: str = "GET") -> int:
    """A request line exactly as given: no client tidies it first."""
    connection = http.client.HTTPConnection("127.0.0.1", pop.port, timeout=10)
    connection.putrequest(method, path, skip_host=False, skip_accept_encoding=True)
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    return status


def test_a_signed_path_gives_the_object_with_its_own_type_and_cache_rule(item: Item) -> None:
    answer = httpx.get(f"{item.base}/d1/0.m4s")
    assert answer.status_code == 200
    assert answer.content == item.segment
    assert answer.headers["content-type"] == "video/iso.segment"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


def test_nothing_of_the_store_behind_shows_in_the_headers(item: Item) -> None:
    answer = httpx.get(f"{item.base}/d1/0.m4s")
    assert [name for name in answer.headers if name.startswith(("x-amz", "seaweed", "set-cookie"))] == []


def test_an_expired_path_is_gone(item: Item, pop: Pop) -> None:
    answer = httpx.get(f"{pop.url}{sign(item.media_id, int(time.time()) - 1)}/d1/0.m4s")
    assert answer.status_code == 410
    assert answer.json()["code"] == "path_expired"
    assert answer.headers["cache-control"] == "no-store"


def test_a_path_signed_with_another_key_is_forbidden(item: Item, pop: Pop) -> None:
    answer = httpx.get(f"{pop.url}{sign(item.media_id, key='guessed')}/d1/0.m4s")
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["access-control-allow-origin"] == "*"


def test_a_prolonged_expiry_is_forbidden(item: Item, pop: Pop) -> None:
    _, b, expires, rest = sign(item.media_id).split("/", 3)
    assert httpx.get(f"{pop.url}/{b}/{int(expires) + 1}/{rest}/d1/0.m4s").status_code == 403


@pytest.mark.parametrize("change", [lambda s: s[:-1], lambda s: s + "A", lambda s: "A" * 43, lambda s: ""])
def test_a_changed_signature_is_forbidden(item: Item, pop: Pop, change: Any) -> None:
    _, b, expires, signature, rest = sign(item.media_id).split("/", 4)
    assert httpx.get(f"{pop.url}/{b}/{expires}/{change(signature)}/{rest}/d1/0.m4s").status_code == 403


def test_a_signature_opens_no_other_item(item: Item, pop: Pop, store: Store) -> None:
    other = Item(store, pop)
    base = item.base.replace(item.media_id, other.media_id)
    assert httpx.get(f"{base}/d1/0.m4s").status_code == 403


@pytest.mark.parametrize(
    "trick",
    [
        "/../{other}/d1/0.m4s", "/d1/../../{other}/d1/0.m4s", "/%2e%2e/{other}/d1/0.m4s",
        "/..%2f{other}/d1/0.m4s", "/%2e%2e%2f{other}%2fd1%2f0.m4s", "/.%2e/{other}/d1/0.m4s",
        "/d1/%252e%252e/%252e%252e/{other}/d1/0.m4s", "//../{other}/d1/0.m4s", "/./d1/0.m4s", "//d1/0.m4s",
        "/d1//0.m4s", "/d1/0.m4s%00", "/d1/0.m4s/", "/d1/%30.m4s", "/d1\\..\\0.m4s", "/", "", "/d1", "/d1/",
        "/d1/0.m4s#x",
    ],
)  # fmt: skip
def test_no_trick_with_the_path_reaches_anything(item: Item, pop: Pop, store: Store, trick: str) -> None:
    other = Item(store, pop)
    path = sign(item.media_id) + trick.format(other=other.media_id)
    assert raw_status(pop, path) in (400, 403, 404)


@pytest.mark.parametrize("path", ["/", "/mcsp-media/", "/mcsp-media/probe", "/b/", "/-/problem", "/media/"])
def test_nothing_can_be_listed_or_read_without_a_signature(pop: Pop, path: str) -> None:
    assert raw_status(pop, path) in (403, 404)


def test_another_bucket_or_key_outside_media_cannot_be_named(pop: Pop) -> None:
    signed = sign(str(uuid.uuid4()))
    head = signed[: signed.index("/media/")]
    for rest in ("/probe", "/mcsp-source/uploads/x", "/media/", "/media/../probe", "/?list-type=2"):
        assert raw_status(pop, head + rest) == 403


def test_a_query_changes_nothing_and_reaches_nobody(item: Item, pop: Pop) -> None:
    first = httpx.get(f"{item.base}/d1/0.m4s?list-type=2&prefix=&versions=")
    again = httpx.get(f"{item.base}/d1/0.m4s?uploads")
    assert first.content == again.content == item.segment
    assert again.headers["x-cache"] == "HIT"


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "PATCH", "PROPFIND"])
def test_media_can_only_be_read(item: Item, pop: Pop, method: str) -> None:
    assert httpx.request(method, f"{item.base}/d1/0.m4s").status_code == 405
    assert httpx.get(f"{item.base}/d1/0.m4s").content == item.segment


def test_an_address_that_was_accepted_is_gone_when_it_expires(item: Item, pop: Pop) -> None:
    expires = int(time.time()) + 5
    url = f"{pop.url}{sign(item.media_id, expires)}/d1/0.m4s"
    assert [httpx.get(url).status_code for _ in range(3)] == [200] * 3
    accepted_at = [time.time()]

    def gone() -> bool:
        asked_at, status = time.time(), httpx.get(url).status_code
        if status == 200:
            accepted_at.append(asked_at)
        return status == 410

    await_true(gone, "the address is gone", within_s=15)
    assert max(accepted_at) < expires


def test_an_accepted_address_opens_nothing_for_changed_ones(item: Item, pop: Pop, store: Store) -> None:
    _, b, expires, signature, rest = sign(item.media_id).split("/", 4)
    other = Item(store, pop).media_id[:-3] + item.media_id[-3:]
    ends = [f"{expires}/{'A' * 43}/{rest}", f"{int(expires) + 10000}/{signature}/{rest}",
            f"{expires}/{signature}/media/{other}"]  # fmt: skip
    for _ in range(2):
        assert httpx.get(f"{pop.url}/{b}/{expires}/{signature}/{rest}/d1/0.m4s").status_code == 200
        assert [httpx.get(f"{pop.url}/{b}/{end}/d1/0.m4s").status_code for end in ends] == [403] * 3


def test_a_refused_address_stays_refused(item: Item, pop: Pop) -> None:
    url = f"{pop.url}{sign(item.media_id, key='guessed')}/d1/0.m4s"
    assert [httpx.get(url).status_code for _ in range(5)] == [403] * 5
