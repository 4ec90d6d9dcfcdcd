"""Pictures of the running pages, to be looked at: every page and its states, wide and narrow, dark and light.

``python -m tests.browser.screenshots CLIP [FOLDER]`` with a stack running in MCSP_HOME. Uploads the clip
under hard titles, a sound, two minutes made by ffmpeg (still being made) and a text in disguise (failed);
writes ``{state}-{desktop|phone}-{dark|light}.png``. What belongs here: which states there are.
"""

import asyncio
import random
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from playwright.async_api import Browser, Page

from deploy.handle import StackHandle
from mcsp.settings import settings
from tests.browser import clips
from tests.browser.chrome import running_browser
from tests.browser.conftest import becomes
from tests.browser.visit import Visit
from tests.streaming_api.api import Person
from tests.streaming_api.creators.plays import open_plays

SIZES = {"desktop": (1280, 860), "phone": (390, 844)}
TITLES = (
    "An evening at the sea",
    "🌊",
    "رحلة إلى البحر عند الغروب، الجزء الثاني",
    "What the harbour master saw on the night when the last ferry of the season came in two hours late, and "
    "why nobody on the quay would speak of it afterwards",
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft",
)


@dataclass
class Studio:
    """One profile's pictures: where they go and what they show."""

    seen: Visit
    person: Person
    items: dict[str, str]
    folder: Path
    suffix: str

    async def keep(self, name: str, *, whole: bool = False) -> None:
        """Writes a picture of what the page shows now."""
        await _settled(self.seen.page)
        await self.seen.page.screenshot(path=self.folder / f"{name}-{self.suffix}.png", full_page=whole)

    async def door(self) -> None:
        """The way in, and what is said there."""
        await self.seen.go("/studio")
        await self.seen.find("#email").fill("ada@example.org")
        await self.keep("door")
        await self.seen.find("#password").fill("wrong")
        await self.seen.page.keyboard.press("Enter")
        await self.seen.find("[data-account-problem]:visible").wait_for()
        await self.keep("door-refused", whole=True)

    async def studio(self, clip: Path) -> None:
        """Items in every state; an upload under way, without a network, and a question."""
        await self.seen.log_in(self.person)
        await self.seen.find(".item").first.wait_for()
        await self.keep("studio", whole=True)
        line = await self.seen.page.context.new_cdp_session(self.seen.page)
        slow = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 600_000}
        await line.send("Network.enable")
        await line.send("Network.emulateNetworkConditions", slow)
        await self.seen.find("[data-files]").set_input_files(clip)
        await self.seen.find(".upload [data-detail]").filter(has_text="/s").wait_for()
        await self.keep("uploading")
        await line.send("Network.emulateNetworkConditions", slow | {"offline": True})
        await self.seen.find(".upload [data-detail]").filter(has_text="network").wait_for()
        await self.keep("offline")
        await line.send("Network.emulateNetworkConditions", slow | {"uploadThroughput": -1})
        await self.seen.find(".upload [data-drop-upload]").click()
        await self.seen.find(".upload").wait_for(state="detached")
        await self.seen.find(".item[data-status=failed] [data-delete]").click()
        await self.keep("question")
        await self.seen.page.keyboard.press("Escape")

    async def analytics(self) -> None:
        """Four weeks of numbers."""
        await self.seen.go("/studio/analytics")
        await self.seen.find("[data-sum][aria-busy=false]").wait_for()
        await self.seen.find("#range").select_option("28")
        await self.seen.find("[data-sum][aria-busy=false]").wait_for()
        await self.keep("analytics", whole=True)

    async def home(self) -> None:
        """The list, and a card that has the focus."""
        await self.seen.go("/")
        await self.keep("home", whole=True)
        for _ in range(5):
            await self.seen.page.keyboard.press("Tab")
        await self.keep("home-focus")

    async def watch(self) -> None:
        """The player: before, while, its menu, its errors; items that do not play."""
        await self.seen.open_item(self.items[TITLES[0]])
        await self.keep("watch-start")
        await self.seen.play()
        await self.seen.until("v.currentTime > 4")
        await self.keep("watch")
        await self.seen.page.mouse.move(200, 200)  # the controls come back
        await self.seen.find("[data-menu=quality]").click()
        await self.keep("quality")
        await self.seen.page.route("**/v1/playback/**", lambda route: route.abort())
        for name, title in (("title-emoji", 1), ("title-rtl", 2), ("title-long", 3), ("title-one-word", 4)):
            await self.seen.go(f"/watch/{self.items[TITLES[title]]}")
            await self.seen.find("[data-say-button]:visible").wait_for()
            await self.keep(name)
        await self.seen.page.unroute("**/v1/playback/**")
        for name in ("failed", "sound"):
            await self.seen.go(f"/watch/{self.items[name]}")
            await self.keep(name)
        await self.seen.go("/nowhere")
        await self.keep("missing")


async def main(clip: Path, folder: Path) -> None:
    """Makes the items, then the pictures."""
    stack = StackHandle.running_in(settings().home)
    async with running_browser() as browser:
        person = Person(stack.urls["api"])
        await _pictures(browser, Studio(_nowhere(stack), person, {}, folder, ""), clip, empty=True)
        items = await _items(person, clip)
        await _watched(stack, [UUID(items[TITLES[0]]), UUID(items["growing"])])
        await _pictures(browser, Studio(_nowhere(stack), person, items, folder, ""), clip, empty=False)


def _nowhere(stack: StackHandle) -> Visit:
    return Visit(None, stack.urls["api"], set())  # type: ignore[arg-type] -- each picture opens its own page


async def _pictures(browser: Browser, what: Studio, clip: Path, *, empty: bool) -> None:
    for device, (width, height) in SIZES.items():
        for scheme in ("dark", "light"):
            touch = device == "phone"
            context = await browser.new_context(
                viewport={"width": width, "height": height},
                color_scheme="dark" if scheme == "dark" else "light",
                has_touch=touch,
                is_mobile=touch,
            )
            what.seen = Visit(await context.new_page(), what.seen.base, set())
            what.suffix = f"{device}-{scheme}"
            await (_empty(what) if empty else _full(what, clip))
            await context.close()


async def _empty(what: Studio) -> None:
    await what.seen.go("/")
    await what.keep("home-empty")
    await what.seen.log_in(what.person)
    await what.seen.find("[data-nothing]").wait_for()
    await what.keep("studio-empty")


async def _full(what: Studio, clip: Path) -> None:
    await what.door()
    await what.studio(clip)
    await what.analytics()
    await what.home()
    await what.watch()


async def _items(person: Person, clip: Path) -> dict[str, str]:
    content = await asyncio.to_thread(clip.read_bytes)
    made = {title: person.uploaded(content, filename="evening.mp4", title=title) for title in TITLES}
    made["failed"] = person.uploaded(b"no film\n" * 99, filename="notes.mp4")
    slow, sound = await asyncio.to_thread(_made_clips)
    made["sound"] = person.uploaded(sound, filename="Waves.mp3", content_type="audio/mpeg")
    for title in TITLES:
        await becomes(person, made[title], "ready", within_s=300)
    await becomes(person, made["sound"], "ready", "playable", within_s=300)
    made["growing"] = person.uploaded(slow, filename="Colour bars, two minutes.avi")
    await becomes(person, made["growing"], "playable", within_s=300)
    return made


async def _watched(stack: StackHandle, media_ids: list[UUID]) -> None:
    """Four weeks of plays, more of them lately and in the evening, and some people who watch now."""
    known, chance = stack.env("tests"), random.Random(7)  # noqa: S311 -- pictures, the same each time
    now = datetime.now(UTC)
    async with open_plays(known["MCSP_CLICKHOUSE_URL"], known["MCSP_PLAY_SESSION_KEY"]) as plays:
        for _ in range(300):
            started = now - timedelta(days=28 * chance.random() ** 1.6, hours=3 * chance.random())
            watched = ((0.0, 120 * chance.random()),)
            await plays.add(chance.choice(media_ids), started=started, watched=watched, after_s=130)
        for minute in range(25):
            started = now - timedelta(minutes=chance.choice(range(55)))
            await plays.add(media_ids[0], started=started, after_s=45 if minute > 3 else 10)
        for _ in range(4):
            await plays.add(media_ids[0], started=now - timedelta(seconds=5), after_s=5, watched=())


def _made_clips() -> tuple[bytes, bytes]:
    with tempfile.TemporaryDirectory() as scratch:
        slow = clips.to_be_transcoded(Path(scratch) / "slow.avi", seconds=120).read_bytes()
        return slow, clips.sound(Path(scratch) / "waves.mp3").read_bytes()


async def _settled(page: Page) -> None:
    """Pictures and type have arrived."""
    await page.evaluate("document.fonts.ready")
    await page.wait_for_function("() => [...document.images].every((image) => image.complete || !image.src)")


if __name__ == "__main__":
    target = Path(sys.argv[2]) if len(sys.argv) > 2 else Path("screenshots")
    target.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(Path(sys.argv[1]), target))
