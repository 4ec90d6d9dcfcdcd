"""Live state: the whole state first, each change after it, nothing lost by a break of either connection."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import msgspec
import pytest

from mcsp.errors import UnavailableError
from mcsp.ids import uuid7
from mcsp.resources import Resources
from mcsp.settings import Settings
from streaming_api.content.events import stream
from streaming_api.content.live import STREAMS_A_PERSON, LiveItems
from streaming_api.content.state import open_content
from streaming_api.frame.callers import LEEWAY_S
from streaming_api.frame.callers import Person as Caller
from tests.streaming_api.api import ApiProcess, Person
from tests.streaming_api.seed import Seeds

WITHIN_S = 20


class Studio:
    """An open studio: the last state of each item that it was told."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines
        self.items: dict[str, dict[str, Any]] = {}
        self.order: list[str] = []

    async def until(self, media_id: object, **expected: object) -> dict[str, Any]:
        """Read on until the item was told to be as expected."""
        async with asyncio.timeout(WITHIN_S):
            while not self._is(str(media_id), expected):
                await self._read_line()
        return self.items[str(media_id)]

    def _is(self, media_id: str, expected: dict[str, object]) -> bool:
        item = self.items.get(media_id)
        return item is not None and all(item.get(name) == value for name, value in expected.items())

    async def _read_line(self) -> None:
        line = await anext(self._lines)
        if line.startswith("data: "):
            item = msgspec.json.decode(line[6:])
            self.items[item["media_id"]] = item
            self.order.append(item["media_id"])


@asynccontextmanager
async def studio_of(person: Person) -> AsyncIterator[Studio]:
    headers = {"Authorization": f"Bearer {person.token}"}
    async with (
        httpx.AsyncClient(base_url=str(person.http.base_url), headers=headers, timeout=WITHIN_S) as client,
        client.stream("GET", "/v1/media/events") as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield Studio(answer.aiter_lines())


async def test_the_whole_state_comes_first_oldest_first(api: ApiProcess, seeds: Seeds) -> None:
    person = await asyncio.to_thread(Person, api.url)
    first, second = await seeds.playing(person.user_id), await seeds.item(person.user_id)
    async with studio_of(person) as studio:
        await studio.until(second, status="uploading")
        assert studio.order == [str(first), str(second)]
        shown = await asyncio.to_thread(person.http.get, f"/v1/media/{first}")
        assert studio.items[str(first)] == shown.json() | {
            "poster_url": studio.items[str(first)]["poster_url"]
        }


async def test_each_change_is_told_to_its_owner_alone(api: ApiProcess, ann: Person, seeds: Seeds) -> None:
    person = await asyncio.to_thread(Person, api.url)
    mine, others = await seeds.playing(person.user_id), await seeds.playing(ann.user_id)
    async with studio_of(person) as studio:
        await studio.until(mine, status="ready")
        await seeds.set_state(others, "playable")
        await seeds.set_state(mine, "playable")
        await studio.until(mine, status="playable")
        await asyncio.to_thread(person.http.patch, f"/v1/media/{mine}", json={"title": "Told"})
        await studio.until(mine, title="Told")
        upload = await asyncio.to_thread(person.begin)
        await studio.until(upload["media_id"], status="uploading")
        await asyncio.to_thread(person.http.delete, f"/v1/media/{mine}")
        await studio.until(mine, status="deleted")
        assert str(others) not in studio.items


@pytest.mark.fault
async def test_what_changed_while_the_database_connection_was_cut_is_told(
    api: ApiProcess, admin: asyncpg.Pool, seeds: Seeds
) -> None:
    person = await asyncio.to_thread(Person, api.url)
    media_id = await seeds.playing(person.user_id)
    async with studio_of(person) as studio:
        await studio.until(media_id, status="ready")
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'api/live'"
        assert await admin.fetch(cut)
        await seeds.set_state(media_id, "playable")
        await studio.until(media_id, status="playable")


async def test_a_studio_that_comes_back_gets_what_it_missed(api: ApiProcess, seeds: Seeds) -> None:
    person = await asyncio.to_thread(Person, api.url)
    media_id = await seeds.playing(person.user_id)
    async with studio_of(person) as studio:
        await studio.until(media_id, status="ready")
    await seeds.set_state(media_id, "playable")
    async with studio_of(person) as studio:
        await studio.until(media_id, status="playable")


async def test_open_studios_are_limited_and_closed_ones_make_room(api: ApiProcess, seeds: Seeds) -> None:
    person = await asyncio.to_thread(Person, api.url)
    media_id = await seeds.item(person.user_id)
    headers = {"Authorization": f"Bearer {person.token}"}
    async with httpx.AsyncClient(base_url=api.url, headers=headers, timeout=WITHIN_S) as client:
        streams = [client.stream("GET", "/v1/media/events") for _ in range(STREAMS_A_PERSON)]
        studios = [Studio((await stream.__aenter__()).aiter_lines()) for stream in streams]
        for studio in studios:
            await studio.until(media_id)
        refused = await client.get("/v1/media/events")
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_streams")
        for stream in streams:
            await stream.__aexit__(None, None, None)
        async with asyncio.timeout(WITHIN_S):
            while True:
                async with client.stream("GET", "/v1/media/events") as answer:
                    if answer.status_code == 200:
                        break


async def test_live_state_needs_a_login(api: ApiProcess) -> None:
    async with httpx.AsyncClient(base_url=api.url) as client:
        assert (await client.get("/v1/media/events")).status_code == 401


async def test_of_many_studios_opened_at_once_no_more_than_allowed_get_in(api: ApiProcess) -> None:
    person = await asyncio.to_thread(Person, api.url)
    headers = {"Authorization": f"Bearer {person.token}"}
    async with httpx.AsyncClient(base_url=api.url, headers=headers, timeout=WITHIN_S) as client:
        streams = [client.stream("GET", "/v1/media/events") for _ in range(STREAMS_A_PERSON + 10)]
        answers = await asyncio.gather(*(stream.__aenter__() for stream in streams))
        statuses = [answer.status_code for answer in answers]
        await asyncio.gather(*(answer.aclose() for answer in answers))
    assert sorted(statuses) == [200] * STREAMS_A_PERSON + [429] * 10


async def test_a_studio_that_hung_up_before_its_first_event_counts_no_longer(resources: Resources) -> None:
    person = someone(60)
    async with open_content(resources) as content:
        for _ in range(2 * STREAMS_A_PERSON):
            assert stream(content.items, content.live, person)


async def test_a_stream_ends_with_the_token_that_opened_it(resources: Resources) -> None:
    async with open_content(resources) as content, asyncio.timeout(WITHIN_S):
        ended = [event async for event in stream(content.items, content.live, someone(1 - LEEWAY_S))]
    assert ended[0] == b"retry: 2000\n\n"


async def test_an_item_that_cannot_be_shown_silences_no_other(options: Settings, seeds: Seeds) -> None:
    owner, bad = uuid7(), await seeds.item(str(uuid7()))
    good = await seeds.item(str(owner))

    async def load(media_ids: list[UUID], owners: list[UUID]) -> list[tuple[UUID, UUID, bytes]]:
        if bad in media_ids:
            raise KeyError("a state that nobody foresaw")
        return [(owner, media_id, b"{}") for media_id in media_ids if owner in owners]

    live = LiveItems(options.dsn_of("content"), load)
    async with live.running(), asyncio.timeout(WITHIN_S):
        await live.listening.wait()
        subscriber = live.follow(owner)
        subscriber.take()
        for _ in range(2):  # the second time shows that the first one ended nothing
            await seeds.touch(bad, good)
            await subscriber.wait(WITHIN_S)
            assert subscriber.take() == (False, [b"{}"])
        await live.check()


async def test_readiness_shows_that_nobody_is_told_any_more(options: Settings) -> None:
    live = LiveItems(options.dsn_of("content"), _nothing)
    async with live.running(), asyncio.timeout(WITHIN_S):
        await live.listening.wait()
        await live.check()
        for task in live._tasks:
            task.cancel()
        await asyncio.wait(live._tasks)
        with pytest.raises(UnavailableError, match="live_ended"):
            await live.check()


async def _nothing(_media_ids: list[UUID], _owners: list[UUID]) -> list[tuple[UUID, UUID, bytes]]:
    return []


def someone(ends_in_s: float) -> Caller:
    return Caller(uuid7(), uuid7(), int(time.time() + ends_in_s))
