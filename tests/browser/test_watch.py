"""Promises of the watch page with a finished item, in a real browser."""

import asyncio
import re

import pytest
from playwright.async_api import expect

from tests.browser.conftest import NewVisit
from tests.browser.visit import Visit
from tests.streaming_api.api import Person, await_true

pytestmark = [pytest.mark.browser, pytest.mark.stack]


async def test_an_item_plays_from_its_start_and_time_advances(visit: NewVisit, ready_item: str) -> None:
    seen = await visit()
    await seen.open_item(ready_item)
    assert (await seen.video())["at"] == 0
    await expect(seen.page).to_have_title("A finished clip · MCSP")
    await seen.find("[data-do=start]").click()
    await seen.until("v.currentTime > 2")
    assert seen.errors == []
    assert seen.foreign == []


async def test_the_quality_can_be_chosen(visit: NewVisit, ready_item: str) -> None:
    seen = await visit()
    await seen.open_item(ready_item)
    await seen.play()
    await seen.find("[data-menu=quality]").click()
    rungs = seen.find("[data-menu-panel=quality] button")
    await expect(rungs.nth(2), "Auto and at least two rungs").to_be_visible()
    name = await rungs.last.locator("span").inner_text()
    await rungs.last.click()
    await seen.until(f"Math.min(v.videoWidth, v.videoHeight) === {int(name.removesuffix('p'))}")
    await expect(seen.find("[data-quality]")).to_have_text(name)
    at = (await seen.video())["at"]
    await seen.until(f"v.currentTime > {at} + 1")
    assert seen.errors == []


async def test_the_keyboard_does_what_the_list_of_keys_says(visit: NewVisit, ready_item: str) -> None:
    seen = await visit()
    await seen.open_item(ready_item)
    press = seen.page.keyboard.press
    await press("Space")
    await seen.until("!v.paused")
    await press("k")
    await seen.until("v.paused")
    await press("5")
    await seen.until("Math.abs(v.currentTime - 6) < 0.5")
    await press("ArrowRight")
    await seen.until("Math.abs(v.currentTime - 11) < 0.5")
    await press("j")
    await seen.until("Math.abs(v.currentTime - 1) < 0.5")
    await press("l")
    await seen.until("Math.abs(v.currentTime - 11) < 0.5")
    await press("ArrowLeft")
    await seen.until("Math.abs(v.currentTime - 6) < 0.5")
    await press("m")
    await seen.until("v.muted")
    await press("ArrowDown")
    await seen.until("!v.muted && Math.abs(v.volume - 0.9) < 0.01")
    await press(">")
    await seen.until("v.playbackRate === 1.25")
    await press("<")
    await press("<")
    await seen.until("v.playbackRate === 0.75")
    await press("f")
    await seen.until("document.fullscreenElement !== null")
    await press("f")
    await seen.until("document.fullscreenElement === null")
    await press("?")
    await seen.find("[data-keys][open]").wait_for()
    await press("Escape")
    await seen.find("[data-keys][open]").wait_for(state="detached")
    assert seen.errors == []


async def test_menus_are_walked_by_arrow_keys_and_left_by_escape(visit: NewVisit, ready_item: str) -> None:
    seen = await visit()
    await seen.open_item(ready_item)
    await seen.find("[data-menu=speed]").focus()
    await seen.page.keyboard.press("Enter")
    await seen.page.keyboard.press("ArrowDown")
    await seen.page.keyboard.press("Enter")
    await expect(seen.find("[data-speed]")).to_have_text("1.25×")
    await seen.play()
    await seen.until("v.playbackRate === 1.25")  # 0 while the player waits for data
    await seen.find("[data-menu=speed]").focus()
    await seen.page.keyboard.press("Enter")
    await seen.page.keyboard.press("Escape")
    await expect(seen.find("[data-menu=speed]")).to_be_focused()
    await expect(seen.find("[data-menu-panel=speed]")).to_be_hidden()


async def test_an_address_that_runs_out_is_renewed_while_it_plays(visit: NewVisit, ready_item: str) -> None:
    seen = await visit()
    await seen.page.add_init_script(
        "const now = Date.now.bind(Date); window.ahead = 0; Date.now = () => now() + window.ahead;"
    )
    await seen.open_item(ready_item)
    await seen.play()

    def asked() -> int:
        return len(seen.asked(lambda url: "/v1/playback/" in url))

    await asyncio.to_thread(
        await_true, lambda: asked() == 2, "the page has opened and looked for a newer version"
    )
    await seen.page.evaluate("window.ahead = 23 * 3600 * 1000")
    await _choose_another_quality(seen)  # what is loaded already would need no address
    assert asked() == 3
    assert seen.errors == []


async def _choose_another_quality(seen: Visit) -> None:
    lines = "Math.min(v.videoWidth, v.videoHeight)"
    await seen.until(f"{lines} > 0")
    now = await seen.page.evaluate(f"() => {{ const v = document.querySelector('video'); return {lines}; }}")
    await seen.find("[data-menu=quality]").click()
    rungs = seen.find("[data-menu-panel=quality] button").filter(has_text=re.compile(r"^\d+p"))
    await rungs.filter(has_not_text=re.compile(rf"^{now}p")).last.click()
    await seen.until(f"{lines} !== {now}")


async def test_a_private_item_is_not_found_by_others_and_plays_for_its_owner(
    visit: NewVisit, creator: Person, ready_item: str
) -> None:
    creator.http.patch(f"/v1/media/{ready_item}", json={"visibility": "private"}).raise_for_status()
    try:
        stranger = await visit()
        answer = await stranger.page.goto(f"{stranger.base}/watch/{ready_item}")
        assert answer
        assert answer.status == 404
        await expect(stranger.find("h1")).to_contain_text("There is nothing here")

        owner = await visit()
        await owner.log_in(creator)
        await owner.open_item(ready_item)
        await owner.play()
        await owner.until("v.currentTime > 1")
    finally:
        creator.http.patch(f"/v1/media/{ready_item}", json={"visibility": "public"}).raise_for_status()


async def test_what_cannot_be_reached_is_said_in_plain_words(visit: NewVisit, ready_item: str) -> None:
    seen = await visit()
    await seen.page.route("**/v1/playback/**", lambda route: route.abort())
    await seen.go(f"/watch/{ready_item}")
    await seen.find("[data-say-button]:visible").wait_for()
    await expect(seen.find("[data-say-text]")).to_contain_text("No connection")
    await seen.page.unroute("**/v1/playback/**")
    await seen.find("[data-say-button]").click()
    await seen.find("[data-stage][data-playing]").wait_for()
    await expect(seen.find("[data-say]")).to_be_hidden()
