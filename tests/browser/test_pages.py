"""Promises of all pages: phone width, no script needed to read, keyboard, dark and light, errors as pages."""

import pytest
from playwright.async_api import expect

from deploy.handle import StackHandle
from tests.browser.conftest import NewVisit
from tests.browser.visit import Visit
from tests.streaming_api.api import Person

pytestmark = [pytest.mark.browser, pytest.mark.stack]

PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}


NOTE_SHIFTS = """
window.moved = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.moved += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""


TOO_SMALL = """() => {
  const all = [...document.querySelectorAll("a[href], button, select, input:not([type=file])")];
  const touched = all.filter((one) => one.checkVisibility() && !one.closest(".skip, [aria-hidden]"));
  return touched.flatMap((one) => {
    const { width, height, left, right } = (one.closest(".card") ?? one).getBoundingClientRect();
    const inside = left >= 0 && right <= document.documentElement.clientWidth + 1;
    return width >= 44 && height >= 44 && inside ? [] : [one.outerHTML.slice(0, 80), width, height];
  });
}"""
"""What is smaller than 44 CSS pixels (WCAG 2.5.5) or sticks out. A card is touched as a whole."""


@pytest.fixture
async def phone(visit: NewVisit) -> Visit:
    return await visit(**PHONE)


async def _fits(seen: Visit) -> None:
    width = await seen.page.evaluate("document.documentElement.scrollWidth")
    assert width <= 360, "nothing sticks out at the side"


async def test_every_page_fits_a_phone(phone: Visit, creator: Person, ready_item: str) -> None:
    for path in ("/", "/studio", "/nowhere"):
        await phone.go(path)
        await _fits(phone)
    await phone.open_item(ready_item)
    await _fits(phone)
    await phone.log_in(creator)
    await phone.find(".item").first.wait_for()
    await _fits(phone)


async def test_what_can_be_touched_is_as_large_as_a_finger(
    phone: Visit, creator: Person, ready_item: str
) -> None:
    await phone.go("/")
    assert await phone.page.evaluate(TOO_SMALL) == []
    await phone.go("/studio")
    await phone.find("[data-mode=register]").click()
    assert await phone.page.evaluate(TOO_SMALL) == []
    await phone.log_in(creator)
    await phone.find(".item").first.wait_for()
    assert await phone.page.evaluate(TOO_SMALL) == []
    await phone.open_item(ready_item)
    assert await phone.page.evaluate(TOO_SMALL) == []
    await phone.find("[data-menu=quality]").tap()
    assert await phone.page.evaluate(TOO_SMALL) == []
    panel = await phone.find("[data-menu-panel=quality]").bounding_box()
    assert panel
    assert (panel["x"], panel["width"], panel["y"] + panel["height"]) == (0, 360, 740), "a sheet at the foot"


async def test_a_tap_plays_on_a_phone(phone: Visit, ready_item: str) -> None:
    await phone.open_item(ready_item)
    await phone.find("[data-do=start]").tap()
    await phone.until("v.currentTime > 1")
    assert phone.errors == []


async def test_home_is_complete_without_a_script(visit: NewVisit, ready_item: str) -> None:
    seen = await visit(java_script_enabled=False)
    await seen.go("/")
    link = seen.find(f"a[href='/watch/{ready_item}']")
    await expect(link).to_have_text("A finished clip")
    card = seen.find(".card").filter(has=link)
    await expect(card.locator(".chip")).to_have_text("Length: 0:12")
    await expect(card.locator("img")).to_have_count(1)
    await link.click()
    await expect(seen.find("h1")).to_have_text("A finished clip")
    assert "Playing needs JavaScript" in await seen.find("noscript").inner_html()


async def test_the_first_tab_skips_to_the_content_and_focus_is_seen(visit: NewVisit, ready_item: str) -> None:
    seen = await visit()
    await seen.go("/")
    await seen.page.keyboard.press("Tab")
    await expect(seen.find(".skip")).to_be_focused()
    await seen.page.keyboard.press("Tab")
    style = await seen.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert style == "solid"


@pytest.mark.parametrize("path", ["/", "/studio", "/watch/{item}"])
async def test_dark_and_light_follow_the_system(visit: NewVisit, ready_item: str, path: str) -> None:
    backgrounds = []
    for scheme in ("dark", "light"):
        seen = await visit(color_scheme=scheme)
        await seen.go(path.format(item=ready_item))
        backgrounds.append(await seen.page.evaluate("getComputedStyle(document.body).backgroundColor"))
        assert seen.errors == []
    assert backgrounds == ["rgb(20, 19, 16)", "rgb(247, 245, 240)"]


async def test_nothing_moves_while_pages_load(visit: NewVisit, ready_item: str) -> None:
    seen = await visit()
    await seen.page.add_init_script(NOTE_SHIFTS)
    await seen.go("/")
    await seen.page.wait_for_load_state("networkidle")
    assert await seen.page.evaluate("window.moved") < 0.01
    await seen.open_item(ready_item)
    assert await seen.page.evaluate("window.moved") < 0.01


async def test_the_policy_holds_against_a_title_that_is_a_script(
    visit: NewVisit, creator: Person, ready_item: str
) -> None:
    title = '<img src=x onerror="window.broken=1"><script>window.broken=1</script>'
    creator.http.patch(f"/v1/media/{ready_item}", json={"title": title}).raise_for_status()
    try:
        seen = await visit()
        for path in ("/", f"/watch/{ready_item}"):
            await seen.go(path)
            await expect(seen.find("#main")).to_contain_text(title)
            assert await seen.page.evaluate("window.broken") is None
        assert seen.errors == []
    finally:
        creator.http.patch(f"/v1/media/{ready_item}", json={"title": "A finished clip"}).raise_for_status()


async def test_a_title_of_another_direction_keeps_to_itself(
    visit: NewVisit, creator: Person, ready_item: str
) -> None:
    title = "סרט 1"
    creator.http.patch(f"/v1/media/{ready_item}", json={"title": title}).raise_for_status()
    try:
        seen = await visit()
        for path, around in (("/", "h2"), (f"/watch/{ready_item}", "h1")):
            await seen.go(path)
            name = seen.find(f"{around} bdi").filter(has_text=title)
            style = "(name) => [getComputedStyle(name).direction, getComputedStyle(name).unicodeBidi]"
            assert await name.evaluate(style) == ["rtl", "isolate"]
            assert (await seen.find(around).first.evaluate(style))[0] == "ltr"
    finally:
        creator.http.patch(f"/v1/media/{ready_item}", json={"title": "A finished clip"}).raise_for_status()


async def test_a_page_of_another_origin_is_nowhere_asked(
    visit: NewVisit, stack: StackHandle, creator: Person
) -> None:
    seen = await visit()
    for path in ("/", "/studio", "/nowhere"):
        await seen.go(path)
        await seen.page.wait_for_load_state("networkidle")
    assert seen.requests
    assert seen.foreign == []
