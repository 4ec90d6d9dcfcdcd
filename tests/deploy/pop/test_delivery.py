"""What players need: ranges, HEAD, CORS, one read of a cold object, fresh lists, and play without S3."""

import asyncio
import time
from pathlib import Path

import httpx
import pytest

from .conftest import Item, Pop, Store, await_true, sign


def test_a_range_of_a_cold_and_of_a_cached_object_is_that_range(item: Item) -> None:
    for state in ("MISS", "HIT"):
        answer = httpx.get(f"{item.base}/d1/0.m4s", headers={"Range": "bytes=1000-1999"})
        assert answer.status_code == 206
        assert answer.headers["content-range"] == "bytes 1000-1999/200000"
        assert answer.headers["x-cache"] == state
        assert answer.content == item.segment[1000:2000]


def test_a_range_past_the_end_says_how_long_the_object_is(item: Item) -> None:
    httpx.get(f"{item.base}/d1/0.m4s")
    answer = httpx.get(f"{item.base}/d1/0.m4s", headers={"Range": "bytes=200000-"})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == "bytes */200000"


def test_head_says_what_get_would_without_a_body(item: Item) -> None:
    answer = httpx.head(f"{item.base}/d1/0.m4s")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == "200000"
    assert answer.headers["accept-ranges"] == "bytes"


def test_a_known_etag_needs_no_bytes_again(item: Item) -> None:
    etag = httpx.get(f"{item.base}/d1/0.m4s").headers["etag"]
    answer = httpx.get(f"{item.base}/d1/0.m4s", headers={"If-None-Match": etag})
    assert (answer.status_code, answer.content) == (304, b"")


def test_a_page_of_any_origin_may_ask_for_ranges_and_read_what_it_needs(item: Item) -> None:
    asked = {"Origin": "https://a.example", "Access-Control-Request-Method": "GET",
             "Access-Control-Request-Headers": "range"}  # fmt: skip
    preflight = httpx.options(f"{item.base}/d1/0.m4s", headers=asked)
    assert preflight.status_code == 204
    assert preflight.headers.get_list("access-control-allow-origin") == ["*"]
    assert "Range" in preflight.headers["access-control-allow-headers"]
    assert preflight.headers["access-control-max-age"] == "86400"
    answer = httpx.get(f"{item.base}/d1/0.m4s", headers={"Origin": "https://a.example"})
    assert answer.headers.get_list("access-control-allow-origin") == ["*"]
    assert "Content-Range" in answer.headers["access-control-expose-headers"]


async def test_twenty_at_once_on_a_cold_object_read_it_from_the_store_once(item: Item, pop: Pop) -> None:
    async with httpx.AsyncClient() as client:
        answers = await asyncio.gather(*(client.get(f"{item.base}/d1/0.m4s") for _ in range(20)))
    assert all(answer.content == item.segment for answer in answers)
    states = sorted(answer.headers["x-cache"] for answer in answers)
    assert states == ["HIT"] * 19 + ["MISS"]


def test_another_signature_of_the_same_item_shares_the_cache(item: Item, pop: Pop) -> None:
    httpx.get(f"{item.base}/d1/0.m4s")
    later = pop.url + sign(item.media_id, int(time.time()) + 7200)
    assert httpx.get(f"{later}/d1/0.m4s").headers["x-cache"] == "HIT"


def test_a_growing_list_is_fresh_again_after_its_second(item: Item) -> None:
    first = httpx.get(f"{item.base}/m1/master.m3u8")
    assert first.headers["cache-control"] == "max-age=1"
    item.list_is(b"#EXTM3U\n#one\n#two\n")
    await_true(
        lambda: httpx.get(f"{item.base}/m1/master.m3u8").content.endswith(b"#two\n"),
        "the grown list is served",
        within_s=5,
    )


def test_a_missing_object_is_there_as_soon_as_it_exists(item: Item, store: Store) -> None:
    missing = httpx.get(f"{item.base}/d1/1.m4s")
    assert missing.status_code == 404
    assert missing.headers["cache-control"] == "no-store"
    assert missing.json()["code"] == "object_not_found"
    store.put(f"media/{item.media_id}/d1/1.m4s", b"here", "video/iso.segment", "max-age=60")
    assert httpx.get(f"{item.base}/d1/1.m4s").content == b"here"


def test_a_wrong_key_towards_the_store_is_our_fault_not_the_viewers(
    item: Item, store: Store, tmp_path: Path
) -> None:
    locked_out = Pop(tmp_path / "pop", store.endpoint, access_key="nobody")
    try:
        locked_out.start()
        base = item.base.replace(f":{httpx.URL(item.base).port}", f":{locked_out.port}")
        answer = httpx.get(f"{base}/d1/0.m4s")
        assert (answer.status_code, answer.json()["code"]) == (502, "store_unavailable")
    finally:
        locked_out.kill()


def test_each_request_is_one_json_line_without_its_signature(item: Item, pop: Pop) -> None:
    httpx.get(f"{item.base}/d1/0.m4s", headers={"User-Agent": 'odd "agent"\\'})
    path = f"media/{item.media_id}/d1/0.m4s"
    await_true(lambda: any(line["path"] == path for line in pop.log_lines()), "the line is written")
    (line,) = [line for line in pop.log_lines() if line["path"] == path]
    assert line["status"] == 200
    assert line["bytes"] > 200_000
    assert line["cache"] == "MISS"
    assert line["user_agent"] == 'odd "agent"\\'
    assert item.base.split("/")[5] not in (pop.folder / "access.log").read_text()


def counted(pop: Pop, status: int, cache: str) -> float:
    name = f'mcsp_pop_requests_total{{status="{status}",cache="{cache}"}}'
    lines = httpx.get(f"{pop.url}/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(name))


def test_metrics_count_requests_by_status_and_cache_from_each_start(store: Store, tmp_path: Path) -> None:
    pop = Pop(tmp_path / "pop", store.endpoint)
    for refusals in (3, 2):
        try:
            pop.write()
            pop.start()
            url = f"{Item(store, pop).base}/d1/0.m4s"
            answers = [httpx.get(url).headers["x-cache"] for _ in range(3)]
            assert answers == ["MISS", "HIT", "HIT"]
            refused = [httpx.get(f"{pop.url}/b/1/x").status_code for _ in range(refusals)]
            assert refused == [403] * refusals
            await_true(lambda pop=pop, n=refusals: counted(pop, 403, "NONE") == n, "refusals are counted")
            assert (counted(pop, 200, "MISS"), counted(pop, 200, "HIT")) == (1, 2)
        finally:
            pop.kill()


@pytest.mark.fault
def test_what_is_cached_plays_on_while_the_store_is_down(item: Item, store: Store) -> None:
    segment, growing = f"{item.base}/d1/0.m4s", f"{item.base}/m1/master.m3u8"
    assert httpx.get(segment).status_code == httpx.get(growing).status_code == 200
    store.kill()
    try:
        await_true(lambda: httpx.get(growing).headers["x-cache"] == "STALE", "the list has expired")
        assert httpx.get(segment).content == item.segment
        assert httpx.get(growing).content == b"#EXTM3U\n#one\n"
        cold = httpx.get(f"{item.base}/d1/9.m4s")
        assert cold.status_code in (502, 504)
        assert cold.headers["retry-after"] == "1"
    finally:
        store.start()
    assert httpx.get(f"{item.base}/d1/9.m4s").status_code == 404


@pytest.mark.fault
def test_a_killed_pop_comes_back_with_its_cache(item: Item, pop: Pop) -> None:
    httpx.get(f"{item.base}/d1/0.m4s")
    pop.kill()
    pop.start()
    answer = httpx.get(f"{item.base}/d1/0.m4s")
    assert answer.content == item.segment
    await_true(
        lambda: httpx.get(f"{item.base}/d1/0.m4s").headers["x-cache"] == "HIT", "the cache is read again"
    )
