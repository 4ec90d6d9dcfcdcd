"""Promises about an item that is still being made, in the watch page and in hls.js: it starts at 0, and
survives its end and a new rung while playing, paused and after a seek."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from playwright.async_api import expect

from deploy.handle import StackHandle
from deploy.setup.web import MODULES
from tests.browser import clips
from tests.browser.conftest import NewVisit, becomes, status_of
from tests.browser.visit import Visit
from tests.streaming_api.api import Person

pytestmark = [pytest.mark.browser, pytest.mark.stack, pytest.mark.timeout(600)]

SECONDS = 120
"""Long enough that the ladder is done while the first half plays, on a busy machine too."""
PLAY_HLS_JS = """(url) => {
  const video = document.querySelector("video");
  const hls = new Hls();
  window.fatal = [];
  hls.on(Hls.Events.ERROR, (_name, data) => { if (data.fatal) window.fatal.push(data.details); });
  hls.loadSource(url);
  hls.attachMedia(video);
  return video.play();
}"""


NOTE_JUMPS = """() => {
  const v = document.querySelector("video");
  let last = 0;
  window.jumps = [];
  v.addEventListener("timeupdate", () => {
    if (v.currentTime < last - 0.3) window.jumps.push([last, v.currentTime]);
    last = v.currentTime;
  });
}"""

LISTED = """async ([url, segments]) => {
  const mpd = new DOMParser().parseFromString(await (await fetch(url)).text(), "text/xml");
  const runs = [...mpd.querySelector("Representation").querySelectorAll("S")];
  return runs.reduce((sum, run) => sum + 1 + Number(run.getAttribute("r") ?? 0), 0) >= segments;
}"""
PLAY_DASH = """async (url) => {
  const video = document.querySelector("video");
  const player = new shaka.Player();
  Object.assign(window, { player, fatal: [], kinds: [] });
  player.addEventListener("error", (event) => window.fatal.push(event.detail.code));
  await player.attach(video);
  player.getNetworkingEngine().registerResponseFilter((type, answer) => {
    if (type !== shaka.net.NetworkingEngine.RequestType.MANIFEST) return;
    window.kinds.push(/type="(\\w+)"/.exec(new TextDecoder().decode(answer.data))[1]);
  });
  await player.load(url);
  window.begun = video.currentTime;
  await video.play();
}"""


@pytest.fixture(scope="session")
def slow_clip(folder: Path) -> bytes:
    return clips.to_be_transcoded(folder / "slow.avi", seconds=SECONDS, size="854x480").read_bytes()


@pytest.fixture
async def growing(creator: Person, slow_clip: bytes) -> str:
    """An item that plays while its rungs are still being made; its id."""
    media_id = creator.uploaded(slow_clip, filename="slow.avi", content_type="video/x-msvideo")
    await becomes(creator, media_id, "playable", within_s=60)
    return media_id


def _version(creator: Person, media_id: str) -> int:
    return creator.http.get(f"/v1/playback/{media_id}").raise_for_status().json()["manifest_version"]


async def _opened(visit: NewVisit, media_id: str) -> Visit:
    seen = await visit()
    await seen.open_item(media_id)
    assert (await seen.video())["at"] == 0, "starts at its beginning"
    return seen


async def _moves_on(seen: Visit, first: int, *, within_s: float = 240) -> None:
    """Waits until the page has gone over to a newer version than the first."""
    plays = "Number(document.querySelector('[data-stage]').dataset.version)"
    await seen.until(f"{plays} > {first}", within_s=within_s)
    await seen.find("[data-still]").wait_for(state="hidden")


async def _is_whole(seen: Visit, creator: Person, media_id: str) -> None:
    """Waits until the item is ready and the page plays its newest version to its full length."""
    await becomes(creator, media_id, "ready", within_s=240)
    await _moves_on(seen, _version(creator, media_id) - 1, within_s=60)
    await seen.until(f"Math.abs(v.duration - {SECONDS}) < 1")


async def test_it_plays_on_through_new_rungs_and_its_end(
    visit: NewVisit, creator: Person, growing: str
) -> None:
    first = _version(creator, growing)
    seen = await _opened(visit, growing)
    await seen.play()
    await seen.page.evaluate(NOTE_JUMPS)
    await _moves_on(seen, first)
    await _is_whole(seen, creator, growing)
    at = (await seen.video())["at"]
    await seen.until(f"v.currentTime > {at} + 2")
    assert await seen.page.evaluate("window.jumps") == []
    await seen.page.keyboard.press("9")
    await seen.until(f"v.ended && v.currentTime > {SECONDS} - 1", within_s=60)
    assert seen.errors == []
    assert seen.foreign == []


async def test_a_paused_viewer_stays_where_they_are(visit: NewVisit, creator: Person, growing: str) -> None:
    seen = await _opened(visit, growing)
    await seen.play()
    await seen.until("v.currentTime > 1")
    await seen.page.keyboard.press("k")
    await seen.until("v.paused")
    at = (await seen.video())["at"]
    await _is_whole(seen, creator, growing)
    state = await seen.video()
    assert state["paused"]
    assert state["at"] == pytest.approx(at, abs=0.3)
    await seen.page.keyboard.press("k")
    await seen.until(f"v.currentTime > {at} + 1")
    assert seen.errors == []


async def test_a_viewer_who_has_sought_ahead_stays_there(
    visit: NewVisit, creator: Person, growing: str
) -> None:
    first = _version(creator, growing)
    seen = await _opened(visit, growing)
    await seen.play()
    await seen.until("v.seekable.length && v.seekable.end(0) > 20", within_s=120)
    await seen.page.keyboard.press("l")
    await seen.until("v.currentTime > 10")
    await _moves_on(seen, first)
    assert (await seen.video())["at"] > 10
    await _is_whole(seen, creator, growing)
    await seen.page.keyboard.press("9")
    await seen.until("v.ended", within_s=60)
    assert seen.errors == []


@pytest.fixture
async def ledger(stack: StackHandle) -> AsyncIterator[asyncpg.Connection]:
    """The ledger as its administrator, who can have an item fail at a moment of the test's choice."""
    connection = await asyncpg.connect(stack.env("tests")["MCSP_DSN__ADMIN_CONTENT"])
    yield connection
    await connection.close()


async def test_one_that_fails_while_it_plays_plays_on_and_is_asked_for_no_more(
    visit: NewVisit, creator: Person, folder: Path, ledger: asyncpg.Connection
) -> None:
    clip = clips.streamable(folder / "fails.mp4", seconds=20).read_bytes()
    media_id = creator.uploaded(clip, filename="fails.mp4")
    await becomes(creator, media_id, "ready")
    state = "UPDATE media_ops.source SET state = $2, failure = $3::text::jsonb WHERE media_id = $1"
    await ledger.execute(state, media_id, "playable", None)
    seen = await visit()
    await seen.open_item(media_id)
    making = seen.find("[data-making]")
    await expect(making).to_have_text("Better quality is being made")
    await seen.play()
    card = '{"code": "worker_lost", "message": "It broke.", "action": "Try again.", "retryable": true}'
    await ledger.execute(state, media_id, "failed", card)
    await expect(making).to_have_text("This could not be finished; it may end early", timeout=30_000)
    asked = len(seen.asked(lambda url: f"/v1/media/{media_id}" in url or f"/v1/playback/{media_id}" in url))
    await seen.until("v.ended", within_s=60)
    again = seen.asked(lambda url: f"/v1/media/{media_id}" in url or f"/v1/playback/{media_id}" in url)
    assert len(again) == asked
    await ledger.execute(state, media_id, "ready", None)


async def test_it_is_never_called_live(visit: NewVisit, creator: Person, growing: str) -> None:
    seen = await _opened(visit, growing)
    await seen.play()
    await expect(seen.find("[data-time]")).to_have_text(re.compile(r"/ 2:00$"))
    assert "live" not in (await seen.find("#main").inner_text()).lower()


@pytest.fixture
async def plain_player(visit: NewVisit, creator: Person, growing: str) -> AsyncIterator[Visit]:
    """hls.js on a bare page of no site at all, on a growing item."""
    seen = await visit()
    await seen.page.set_content("<video muted></video>")
    await seen.page.add_script_tag(path=MODULES / "hls.js" / "dist" / "hls.min.js")
    url = creator.http.get(f"/v1/playback/{growing}").json()["hls_url"]
    assert status_of(creator, growing) == "playable"
    await seen.page.evaluate(PLAY_HLS_JS, url)
    await seen.until("v.currentTime > 0 && v.currentTime < 3")
    yield seen
    assert await seen.page.evaluate("window.fatal") == []


async def test_hls_js_starts_at_zero_and_plays_through_the_end(
    plain_player: Visit, creator: Person, growing: str
) -> None:
    await becomes(creator, growing, "ready", within_s=240)
    await plain_player.until(f"Math.abs(v.duration - {SECONDS}) < 1", within_s=60)
    at = (await plain_player.video())["at"]
    await plain_player.until(f"v.currentTime > {at} + 2")
    await plain_player.page.evaluate(f"document.querySelector('video').currentTime = {SECONDS - 5}")
    await plain_player.until("v.ended", within_s=60)


async def test_hls_js_stays_where_it_was_paused_and_goes_on_after_a_seek(
    plain_player: Visit, creator: Person, growing: str
) -> None:
    await plain_player.page.evaluate("document.querySelector('video').pause()")
    at = (await plain_player.video())["at"]
    await becomes(creator, growing, "ready", within_s=240)
    await plain_player.until(f"Math.abs(v.duration - {SECONDS}) < 1", within_s=60)
    assert (await plain_player.video())["at"] == pytest.approx(at, abs=0.3)
    await plain_player.page.evaluate(
        "const v = document.querySelector('video'); v.currentTime = 110; v.play()"
    )
    await plain_player.until("v.ended", within_s=60)


async def test_a_dash_player_starts_at_zero_though_more_is_there_and_plays_through_the_end(
    visit: NewVisit, creator: Person, growing: str
) -> None:
    """Shaka Player as it comes, with the address as it is handed out, 20 s of segments behind its newest."""
    seen = await visit()
    await seen.page.set_content("<video muted></video>")
    await seen.page.add_script_tag(path=MODULES / "shaka-player" / "dist" / "shaka-player.dash-es2021.js")
    url = creator.http.get(f"/v1/playback/{growing}").json()["dash_url"]
    await seen.page.wait_for_function(LISTED, arg=[url, 6], polling=200)
    await seen.page.evaluate(NOTE_JUMPS)
    await seen.page.evaluate(PLAY_DASH, url)
    assert await seen.page.evaluate("window.begun") < 0.5
    assert await seen.page.evaluate("window.kinds[0]") == "dynamic", "it was opened while it grew"
    await seen.until("window.kinds.at(-1) === 'static'", within_s=240)
    await seen.until(f"Math.abs(v.duration - {SECONDS}) < 1")
    at = (await seen.video())["at"]
    await seen.until(f"v.currentTime > {at} + 2")
    await seen.page.evaluate("window.player.trickPlay(8)")
    await seen.until("v.ended", within_s=120)
    assert (await seen.video())["at"] == pytest.approx(SECONDS, abs=1)
    assert await seen.page.evaluate("window.jumps") == []
    assert await seen.page.evaluate("window.fatal") == []
