"""Promises about the moment in which the page goes over to a newer manifest version: what a viewer does in it
is neither lost nor undone."""

import asyncio
import re
from dataclasses import dataclass

import pytest
from playwright.async_api import Route, expect

from tests.browser.conftest import NewVisit
from tests.browser.visit import Visit

pytestmark = [pytest.mark.browser, pytest.mark.stack]

MOMENTS = ["mcsp:moving", "emptied", "loadedmetadata", "mcsp:moved"]
"""Events of the video element during a move, in their order: old version there, gone, new one there, done."""
ACT_AT = """([moment, act]) => {
  const acts = {
    key: () => document.dispatchEvent(new KeyboardEvent("keydown", { key: "5" })),
    first: () => document.dispatchEvent(new KeyboardEvent("keydown", { key: "0" })),
    ahead: () => document.dispatchEvent(new KeyboardEvent("keydown", { key: "l" })),
    pause: () => document.dispatchEvent(new KeyboardEvent("keydown", { key: "k" })),
    bar: () => {
      const bar = document.querySelector("[data-seek]");
      bar.value = 9;
      for (const name of ["input", "change"]) bar.dispatchEvent(new Event(name));
    },
  };
  window.acted = false;
  const video = document.querySelector("video");
  const act_now = () => { acts[act](); window.acted = true; };
  video.addEventListener("mcsp:moving", () => {
    if (moment === "mcsp:moving") act_now();
    else video.addEventListener(moment, act_now, { once: true });
  }, { once: true });
}"""

STILL_MADE = """new MutationObserver(() => {
  const stage = document.querySelector("[data-stage]");
  if (stage) stage.dataset.status = "playable";
}).observe(document, { childList: true, subtree: true });"""


@dataclass
class Moving:
    """A page that believes its item to be still being made, and is offered a newer version when told so."""

    seen: Visit
    newer: int = 0

    async def prepare(self, media_id: str) -> None:
        await self.seen.page.add_init_script(STILL_MADE)
        await self.seen.page.route(f"**/v1/media/{media_id}", self._still_made)
        await self.seen.page.route(f"**/v1/playback/{media_id}", self._version)
        await self.seen.open_item(media_id)

    async def _still_made(self, route: Route) -> None:
        answer = await route.fetch()
        await route.fulfill(response=answer, json=await answer.json() | {"status": "playable"})

    async def _version(self, route: Route) -> None:
        answer = await route.fetch()
        told = await answer.json()
        await route.fulfill(response=answer, json=told | {"manifest_version": 1 + self.newer})

    async def over(self) -> None:
        """Waits until the page plays the version that it was offered."""
        stage = self.seen.find(f"[data-stage][data-version='{1 + self.newer}']")
        await stage.wait_for(timeout=30_000)
        await self.seen.find("[data-still]").wait_for(state="hidden")

    async def act_at(self, moment: str, act: str) -> None:
        """Offers a newer version, acts at that moment of the move, and waits for the move's end."""
        await self.seen.page.evaluate(ACT_AT, [moment, act])
        self.newer += 1
        await self.over()
        await self.seen.until("window.acted")


@pytest.fixture
async def moving(visit: NewVisit, ready_item: str) -> Moving:
    page = Moving(await visit())
    await page.prepare(ready_item)
    return page


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_seek_during_a_move_is_heeded(moving: Moving, moment: str) -> None:
    await moving.act_at(moment, "key")
    await moving.seen.until("!v.seeking && Math.abs(v.currentTime - 6) < 0.1")
    await expect(moving.seen.find("[data-time]")).to_have_text(re.compile(r"^0:0[56] /"))
    await moving.act_at(moment, "bar")
    await moving.seen.until("!v.seeking && Math.abs(v.currentTime - 9) < 0.1")
    await moving.act_at(moment, "first")
    await moving.seen.until("!v.seeking && v.currentTime < 0.1")
    await moving.seen.page.keyboard.press("1")
    await moving.seen.until("!v.seeking && Math.abs(v.currentTime - 1.2) < 0.1")
    await moving.act_at(moment, "ahead")
    await moving.seen.until("!v.seeking && Math.abs(v.currentTime - 11.2) < 0.1")
    assert (await moving.seen.video())["paused"]
    assert moving.seen.errors == []


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_pause_and_a_play_during_a_move_are_heeded(moving: Moving, moment: str) -> None:
    button = moving.seen.find("[data-controls] [data-do=toggle]")
    await moving.act_at(moment, "pause")
    await moving.seen.until("!v.paused && v.currentTime > 0")
    await expect(button).to_have_attribute("aria-label", "Pause (space)")
    await moving.act_at(moment, "pause")
    await moving.seen.until("v.paused && v.readyState >= 2")
    await expect(button).to_have_attribute("aria-label", "Play (space)")
    at = (await moving.seen.video())["at"]
    assert 0 < at < 12
    await moving.seen.page.keyboard.press("k")
    await moving.seen.until(f"!v.paused && v.currentTime > {at}")
    assert moving.seen.errors == []


async def test_a_seek_while_the_newer_manifest_is_on_its_way_is_heeded(moving: Moving) -> None:
    asked, sought = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        asked.set()
        await sought.wait()
        await route.continue_()

    await moving.seen.page.route("**/master.m3u8", hold)
    moving.newer += 1
    await asked.wait()
    await moving.seen.page.keyboard.press("5")
    await moving.seen.until("!v.seeking && Math.abs(v.currentTime - 6) < 0.1")
    sought.set()
    await moving.over()
    await moving.seen.until("!v.seeking && Math.abs(v.currentTime - 6) < 0.1")
    assert moving.seen.errors == []


async def test_a_newer_version_that_cannot_be_had_is_tried_again_while_the_old_one_plays(
    moving: Moving,
) -> None:
    refused = asyncio.Event()

    async def refuse(route: Route) -> None:
        await moving.seen.page.unroute("**/master.m3u8")
        await route.fulfill(status=404)
        refused.set()

    await moving.seen.play()
    await moving.seen.page.route("**/master.m3u8", refuse)
    moving.newer += 1
    await refused.wait()
    await moving.over()
    await expect(moving.seen.find("[data-say]")).to_be_hidden()
    await moving.seen.until("!v.paused || v.ended")


async def test_a_seek_back_from_the_end_holds_when_a_newer_version_waited_there(moving: Moving) -> None:
    await moving.seen.page.keyboard.press("End")
    await moving.seen.page.keyboard.press("k")
    await moving.seen.until("v.ended")
    moving.newer += 1
    await moving.seen.page.wait_for_event("requestfinished", lambda request: "/v1/playback/" in request.url)
    await moving.seen.page.keyboard.press("5")
    await moving.seen.page.keyboard.press("k")
    await moving.over()
    assert (await moving.seen.video())["at"] > 5.5
    assert moving.seen.errors == []
