"""One page in a real browser, watched: what it logs, what it asks for and of whom."""

from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.async_api import ConsoleMessage, Locator, Page, Request

from tests.streaming_api.api import Person

STATE = """() => { const v = document.querySelector("video"); return {
  at: v.currentTime, paused: v.paused, ended: v.ended, muted: v.muted, volume: v.volume,
  rate: v.playbackRate, height: v.videoHeight, length: v.duration }; }"""


@dataclass
class Visit:
    """A page and what was seen of it. ``ours`` are the origins that it may ask."""

    page: Page
    base: str
    ours: set[str]
    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def watch(self) -> "Visit":
        """Begins to note what the page does."""
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.errors.append(f"uncaught: {error}"))
        self.page.on("request", self._on_request)
        return self

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(f"{message.type}: {message.text}")

    def _on_request(self, request: Request) -> None:
        if not request.url.startswith(("blob:", "data:")):
            self.requests.append(request.url)

    @property
    def foreign(self) -> list[str]:
        """What was asked of anyone else."""
        return [url for url in self.requests if _origin(url) not in self.ours]

    async def go(self, path: str) -> None:
        await self.page.goto(self.base + path)

    def find(self, selector: str) -> Locator:
        return self.page.locator(selector)

    async def video(self) -> dict:
        """The video element's state."""
        return await self.page.evaluate(STATE)

    async def until(self, expression: str, *, within_s: float = 60) -> None:
        """Waits for a JavaScript expression over ``v``, the video element."""
        code = f"() => {{ const v = document.querySelector('video'); return {expression}; }}"
        await self.page.wait_for_function(code, timeout=within_s * 1000)

    async def open_item(self, media_id: str) -> None:
        """The watch page, once its player is ready."""
        await self.go(f"/watch/{media_id}")
        await self.find("[data-stage][data-playing]").wait_for(timeout=30_000)

    async def play(self) -> None:
        await self.page.keyboard.press("k")
        await self.until("!v.paused && v.currentTime > 0")

    async def log_in(self, person: Person) -> None:
        """Through the studio's door."""
        await self.go("/studio")
        await self.find("#email").fill(person.email)
        await self.find("#password").fill(person.password)
        await self.find("[data-account-submit]").click()
        await self.find("[data-room]").wait_for()

    def asked(self, wanted: Callable[[str], bool]) -> list[str]:
        """The requests so far that are wanted."""
        return [url for url in self.requests if wanted(url)]


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
