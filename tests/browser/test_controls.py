"""Promises of the player's controls on screens of many shapes: each lies inside, none over another."""

from pathlib import Path

import pytest
from playwright.async_api import FloatRect, Locator

from tests.browser import clips
from tests.browser.conftest import NewVisit, becomes
from tests.browser.visit import Visit
from tests.streaming_api.api import Person

pytestmark = [pytest.mark.browser, pytest.mark.stack]

PHONES = [(844, 390), (667, 375), (390, 844)]
LAPTOPS = [(1366, 768), (1280, 600)]
ALWAYS = {"Play (space)", "Mute (m)", "Speed", "Quality", "Full screen (f)"}
SHEET = "[data-menu-panel=quality]"


@pytest.fixture(scope="session")
async def tall_item(creator: Person, folder: Path) -> str:
    """A public item filmed upright; its id."""
    clip = clips.streamable(folder / "tall.mp4", seconds=4, size="360x640")
    media_id = creator.uploaded(clip.read_bytes(), filename="tall.mp4", title="An upright clip")
    await becomes(creator, media_id, "ready")
    return media_id


@pytest.mark.parametrize("shape", ["wide", "tall"])
@pytest.mark.parametrize("touch", [True, False], ids=["phone", "laptop"])
async def test_every_control_lies_inside_and_none_over_another(
    visit: NewVisit, ready_item: str, tall_item: str, shape: str, touch: bool
) -> None:
    seen = await visit(has_touch=touch, is_mobile=touch)
    await seen.open_item(ready_item if shape == "wide" else tall_item)
    for width, height in PHONES if touch else LAPTOPS:
        await _turn(seen, width, height)
        controls = await _controls(seen)
        assert controls.keys() >= ALWAYS
        stage = await _box(seen.find("[data-stage]"))
        assert stage["width"] <= width
        for name, box in controls.items():
            assert _inside(box, stage), f"{name} {box} at {width}x{height}, stage {stage}"
        for name, box in controls.items():
            over = [other for other in controls if other != name and _meet(box, controls[other])]
            assert not over, f"{name} and {over} at {width}x{height}"


async def test_the_quality_menu_can_be_used_after_a_turn(visit: NewVisit, tall_item: str) -> None:
    seen = await visit(has_touch=True, is_mobile=True, viewport={"width": 390, "height": 844})
    await seen.open_item(tall_item)
    await seen.find("[data-menu=quality]").tap()
    for width, height in [(390, 844), (844, 390), (667, 375), (390, 844)]:
        await _turn(seen, width, height)
        screen = FloatRect(x=0, y=0, width=width, height=height)
        assert _inside(await _box(seen.find(SHEET)), screen), f"at {width}x{height}"
        entries = seen.find(f"{SHEET} button")
        for entry in await entries.all():
            assert _inside(await _box(entry), screen), f"{await entry.inner_text()} at {width}x{height}"
    await _turn(seen, 844, 390)
    await entries.last.tap()
    await seen.find(SHEET).wait_for(state="hidden")
    assert seen.errors == []


async def _turn(seen: Visit, width: int, height: int) -> None:
    await seen.page.set_viewport_size({"width": width, "height": height})
    await seen.page.wait_for_function(f"innerWidth === {width} && innerHeight === {height}")


async def _controls(seen: Visit) -> dict[str, FloatRect]:
    """Boxes of what is shown of the bar, by name."""
    shown = seen.find("[data-controls] :is(button, input, .time):visible")
    boxes = {await one.get_attribute("aria-label") or "time": await _box(one) for one in await shown.all()}
    assert len(boxes) == await shown.count()
    return boxes


async def _box(one: Locator) -> FloatRect:
    box = await one.bounding_box()
    assert box
    return box


def _inside(box: FloatRect, outer: FloatRect) -> bool:
    return (
        box["x"] >= outer["x"] - 0.5
        and box["y"] >= outer["y"] - 0.5
        and box["x"] + box["width"] <= outer["x"] + outer["width"] + 0.5
        and box["y"] + box["height"] <= outer["y"] + outer["height"] + 0.5
    )


def _meet(one: FloatRect, other: FloatRect) -> bool:
    """Whether two boxes share more than an edge."""
    across = min(one["x"] + one["width"], other["x"] + other["width"]) - max(one["x"], other["x"])
    down = min(one["y"] + one["height"], other["y"] + other["height"]) - max(one["y"], other["y"])
    return across > 0.5 and down > 0.5
