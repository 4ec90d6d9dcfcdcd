"""Fixtures of the browser's tests: Chromium from the set-up, a watched page, a logged-in creator, items."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser

from deploy.handle import StackHandle
from tests.browser import clips
from tests.browser.chrome import running_browser
from tests.browser.visit import Visit
from tests.streaming_api.api import Person, await_true

NewVisit = Callable[..., Awaitable[Visit]]


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with running_browser() as running:
        yield running


@pytest.fixture
async def visit(browser: Browser, stack: StackHandle) -> AsyncIterator[NewVisit]:
    """Opens a page in a browser profile of its own; options go to the profile (viewport, color_scheme …)."""
    contexts = []
    urls = stack.urls
    ours = {urls["api"], urls["pop-1"], urls["s3"]}

    async def open_page(**options: Any) -> Visit:
        context = await browser.new_context(**options)
        contexts.append(context)
        return Visit(await context.new_page(), urls["api"], ours).watch()

    yield open_page
    for context in contexts:
        await context.close()


@pytest.fixture(scope="session")
def creator(stack: StackHandle) -> Person:
    """Somebody with items."""
    return Person(stack.urls["api"])


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clips")


def status_of(person: Person, media_id: str) -> str:
    return person.http.get(f"/v1/media/{media_id}").raise_for_status().json()["status"]


async def becomes(person: Person, media_id: str, *wanted: str, within_s: float = 120) -> None:
    """Waits until an item has one of the states, while the browser's events go on."""
    await asyncio.to_thread(
        await_true,
        lambda: status_of(person, media_id) in wanted,
        f"{media_id} becomes {wanted}",
        within_s=within_s,
    )


@pytest.fixture(scope="session")
async def ready_item(creator: Person, folder: Path) -> str:
    """A public item that is ready; its id."""
    clip = clips.streamable(folder / "ready.mp4")
    media_id = creator.uploaded(clip.read_bytes(), filename="ready.mp4", title="A finished clip")
    await becomes(creator, media_id, "ready")
    return media_id
