"""Live state: the whole state first, each change after it, nothing lost by a break of either connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest

from streaming_api.content.live import STREAMS_A_PERSON
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
