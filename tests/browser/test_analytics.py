"""Promises of the page of numbers, in a real browser on the real stack."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from deploy.handle import StackHandle
from tests.browser.conftest import NewVisit
from tests.browser.visit import Visit
from tests.streaming_api.api import Person
from tests.streaming_api.creators.plays import Plays, open_plays

pytestmark = [pytest.mark.browser, pytest.mark.stack]

PAGE = "/studio/analytics"


@pytest.fixture
async def plays(stack: StackHandle) -> AsyncIterator[Plays]:
    known = stack.env("tests")
    async with open_plays(known["MCSP_CLICKHOUSE_URL"], known["MCSP_PLAY_SESSION_KEY"]) as opened:
        yield opened


async def _open(seen: Visit, person: Person) -> None:
    await seen.log_in(person)
    await seen.go(PAGE)
    await seen.find("[data-sum][aria-busy=false]").wait_for()


async def _text(seen: Visit, selector: str, wanted: str) -> None:
    await seen.find(selector).filter(has_text=wanted).first.wait_for(timeout=30_000)


async def test_the_page_shows_what_the_numbers_say(
    visit: NewVisit, creator: Person, ready_item: str, plays: Plays
) -> None:
    now = datetime.now(UTC)
    for hours in (30, 54, 54.5):
        await plays.add(UUID(ready_item), started=now - timedelta(hours=hours))
    told = creator.http.get("/v1/creators/me/metrics", params={"grain": "day"}).json()
    seen = await visit()
    await _open(seen, creator)
    await seen.find("#range").select_option("")
    await _text(seen, "[data-figure=views]", str(sum(row["views"] for row in told["rows"])))
    await seen.page.locator("details", has=seen.find("[data-rows]")).locator("summary").click()
    assert await seen.find("[data-rows] tr").count() == len(told["rows"])
    assert await seen.find("[data-chart] canvas").count() == 1
    await _text(seen, "[data-items] th", "A finished clip")
    await seen.find("#item").select_option(ready_item)
    await _text(seen, "[data-figure=views]", str(sum(row["views"] for row in told["rows"])))
    assert seen.errors == []
    assert seen.foreign == []


async def test_the_receipt_of_the_numbers_opens(visit: NewVisit, creator: Person, ready_item: str) -> None:
    seen = await visit()
    await _open(seen, creator)
    await seen.find("[data-receipt] summary").click()
    await _text(seen, "[data-receipt-lines]", "events.raw/0:")
    await seen.page.locator("details", has=seen.find(".rule")).locator("summary").click()
    assert "30 seconds" in await seen.find(".rule").inner_text()
    assert seen.errors == []


async def test_a_play_moves_the_live_numbers_while_somebody_looks(
    visit: NewVisit, creator: Person, ready_item: str, plays: Plays
) -> None:
    seen = await visit()
    await _open(seen, creator)
    await seen.find("[data-live][aria-busy=false]").wait_for()
    before = int(await seen.find("[data-now]").inner_text())
    await plays.add(UUID(ready_item), started=datetime.now(UTC), kind="play_start", after_s=0, watched=())
    await seen.page.wait_for_function(
        "before => Number(document.querySelector('[data-now]').textContent) > before", arg=before
    )
    assert seen.errors == []


async def test_a_play_in_one_browser_moves_the_numbers_in_another(
    visit: NewVisit, creator: Person, ready_item: str
) -> None:
    """The whole way: player, POST /v1/events, Kafka, collector, ClickHouse, page."""
    seen, viewer = await visit(), await visit()
    await _open(seen, creator)
    await seen.find("#item").select_option(ready_item)
    before = creator.http.get("/v1/creators/me/live", params={"media_id": ready_item}).json()["plays"]
    await viewer.open_item(ready_item)
    await viewer.play()
    await seen.page.wait_for_function(
        "before => Number(document.querySelector('[data-live-plays]').textContent) > before", arg=before
    )
    await seen.find("[data-complete].whole").wait_for()
    assert seen.errors == []


async def test_a_stranger_is_asked_to_log_in(visit: NewVisit) -> None:
    seen = await visit()
    await seen.go(PAGE)
    await seen.find("[data-stranger]").wait_for()
    assert await seen.find("[data-room]").is_hidden()
    assert not seen.asked(lambda url: "/v1/creators" in url)


async def test_numbers_fit_a_phone_and_can_be_reached_by_keyboard(visit: NewVisit, creator: Person) -> None:
    seen = await visit(viewport={"width": 360, "height": 740})
    await _open(seen, creator)
    assert await seen.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    await seen.find("#item").focus()
    for wanted in ("range", "grain", "shown"):
        await seen.page.keyboard.press("Tab")
        assert await seen.page.evaluate("document.activeElement.name") == wanted
