"""Pictures of the running pages, to be looked at: every page, wide and narrow, dark and light.

``python -m tests.browser.screenshots CLIP [FOLDER]`` with a stack running in MCSP_HOME. Uploads the clip
(finished), a minute made by ffmpeg (still being made) and a text in disguise (failed), then writes
``{page}-{desktop|phone}-{dark|light}.png``.
"""

import asyncio
import random
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from playwright.async_api import Browser, Page, async_playwright

from deploy.handle import StackHandle
from deploy.setup.places import BROWSER
from mcsp.settings import settings
from tests.browser import clips
from tests.browser.conftest import FLAGS, becomes
from tests.browser.visit import Visit
from tests.streaming_api.api import Person
from tests.streaming_api.creators.plays import open_plays

SIZES = {"desktop": (1280, 860), "phone": (390, 844)}


async def main(clip: bytes, folder: Path) -> None:
    """Makes the items, then the pictures."""
    stack = StackHandle.running_in(settings().home)
    person = Person(stack.urls["api"])
    items = await _items(person, clip)
    await _watched(stack, [UUID(items["ready"]), UUID(items["growing"])])
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=BROWSER / "chrome", args=FLAGS)
        for device in SIZES:
            for scheme in ("dark", "light"):
                await _pictures(browser, stack, person, items, folder, device, scheme)
        await browser.close()


async def _items(person: Person, clip: bytes) -> dict[str, str]:
    slow = await asyncio.to_thread(_slow_clip)
    content = {"ready": (clip, "A walk in the meadow"), "failed": (b"no film\n" * 99, "notes")}
    made = {name: person.uploaded(data, filename=f"{title}.mp4") for name, (data, title) in content.items()}
    await becomes(person, made["ready"], "ready", within_s=300)
    made["growing"] = person.uploaded(slow, filename="Colour bars, two minutes.avi")
    await becomes(person, made["growing"], "playable", within_s=300)
    return made


async def _watched(stack: StackHandle, media_ids: list[UUID]) -> None:
    """Four weeks of plays, more of them lately and in the evening, and some people who watch now."""
    known, chance = stack.env("tests"), random.Random(7)  # noqa: S311 -- pictures, the same each time
    now = datetime.now(UTC)
    async with open_plays(known["MCSP_CLICKHOUSE_URL"], known["MCSP_PATH_SIGNING_KEY"]) as plays:
        for _ in range(300):
            started = now - timedelta(days=28 * chance.random() ** 1.6, hours=3 * chance.random())
            watched = ((0.0, 120 * chance.random()),)
            await plays.add(chance.choice(media_ids), started=started, watched=watched, after_s=130)
        for minute in range(25):
            started = now - timedelta(minutes=chance.choice(range(55)))
            await plays.add(media_ids[0], started=started, after_s=45 if minute > 3 else 10)
        for _ in range(4):
            await plays.add(media_ids[0], started=now - timedelta(seconds=5), after_s=5, watched=())


def _slow_clip() -> bytes:
    with tempfile.TemporaryDirectory() as scratch:
        return clips.to_be_transcoded(Path(scratch) / "slow.avi", seconds=120).read_bytes()


async def _pictures(
    browser: Browser, stack: StackHandle, person: Person, items: dict[str, str], folder: Path, device: str,
    scheme: str,
) -> None:  # fmt: skip
    width, height = SIZES[device]
    context = await browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if scheme == "dark" else "light"
    )
    seen = Visit(await context.new_page(), stack.urls["api"], set())

    async def keep(name: str, *, whole: bool = False) -> None:
        await _settled(seen.page)
        await seen.page.screenshot(path=folder / f"{name}-{device}-{scheme}.png", full_page=whole)

    await seen.go("/studio")
    await seen.find("#email").wait_for()
    await keep("door")
    await seen.log_in(person)
    await seen.find(".item").first.wait_for()
    await keep("studio", whole=True)
    await seen.go("/studio/analytics")
    await seen.find("[data-sum][aria-busy=false]").wait_for()
    await seen.find("#range").select_option("28")
    await seen.find("[data-sum][aria-busy=false]").wait_for()
    await keep("analytics", whole=True)
    await seen.go("/")
    await keep("home", whole=True)
    await seen.open_item(items["ready"])
    await seen.play()
    await seen.until("v.currentTime > 1.5")
    await keep("watch")
    await seen.find("[data-menu=quality]").click()
    await keep("quality")
    await seen.go(f"/watch/{items['failed']}")
    await keep("failed")
    await seen.go("/nowhere")
    await keep("missing")
    await context.close()


async def _settled(page: Page) -> None:
    """Pictures and type have arrived."""
    await page.evaluate("document.fonts.ready")
    await page.wait_for_function("() => [...document.images].every((image) => image.complete || !image.src)")


if __name__ == "__main__":
    target = Path(sys.argv[2]) if len(sys.argv) > 2 else Path("screenshots")
    target.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(Path(sys.argv[1]).read_bytes(), target))
