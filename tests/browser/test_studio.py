"""Promises of the studio, in a real browser on the real stack."""

import asyncio
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.async_api import CDPSession, Request, expect

from deploy.handle import StackHandle
from mcsp.ids import uuid7
from tests.browser import clips
from tests.browser.conftest import NewVisit
from tests.browser.visit import Visit
from tests.streaming_api.api import Person, await_true

pytestmark = [pytest.mark.browser, pytest.mark.stack]


@pytest.fixture
def person(creator: Person) -> Person:
    """Somebody of this test alone."""
    return Person(str(creator.http.base_url))


async def _choose(seen: Visit, *files: Path) -> None:
    await seen.find("[data-files]").set_input_files(list(files))


async def _item(seen: Visit, status: str) -> str:
    """Waits for an item of a state; its id."""
    row = seen.find(f".item[data-status={status}]").first
    await row.wait_for(timeout=120_000)
    return await row.get_attribute("data-media-id") or ""


async def test_a_stranger_makes_an_account_uploads_a_file_and_it_plays(visit: NewVisit, folder: Path) -> None:
    clip = clips.streamable(folder / "Harbour at dawn.mp4", seconds=8)
    seen = await visit()
    await seen.go("/studio")
    await seen.find("[data-mode=register]").click()
    await expect(seen.page.get_by_label("Your name")).to_have_accessible_description(
        "Seen by you, in the studio."
    )
    await seen.find("#display-name").fill("Amina")
    await seen.find("#email").fill(f"{uuid7().hex}@example.org")
    await seen.find("#password").fill("a good long password")
    await seen.find("[data-account-submit]").click()
    await seen.find("[data-room]").wait_for()
    await expect(seen.find("[data-name]")).to_have_text("Amina")
    await _choose(seen, clip)
    media_id = await _item(seen, "ready")
    row = seen.find(f".item[data-media-id='{media_id}']")
    await expect(row.locator("[data-title]")).to_have_value("Harbour at dawn")
    await expect(row.locator(".rung.published").nth(1)).to_be_visible()
    await expect(seen.find("[data-uploads] .upload")).to_have_count(0)
    await row.locator("[data-watch]").click()
    await seen.find("[data-stage][data-playing]").wait_for()
    await seen.play()
    await seen.until("v.currentTime > 1")
    assert seen.errors == []
    assert seen.foreign == []


@pytest.mark.fault
async def test_who_cannot_be_logged_out_now_reads_so_and_stays(
    visit: NewVisit, person: Person, stack: StackHandle
) -> None:
    seen = await visit()
    await seen.log_in(person)
    with stack.held_down("postgres"):
        await seen.find("[data-logout]").click()
        await expect(seen.find(".toast").last).to_have_text(
            "You are still logged in. The session could not be ended right now. Try again in a moment.",
            timeout=30_000,
        )
        await expect(seen.find("[data-room]")).to_be_visible()
    await seen.find("[data-logout]").click()
    await seen.find("[data-door]").wait_for(timeout=30_000)


async def test_a_text_file_in_disguise_gets_a_card_with_a_next_step(
    visit: NewVisit, person: Person, tmp_path: Path
) -> None:
    disguised = tmp_path / "notes.mp4"
    disguised.write_text("Dear diary, this is no film.\n" * 200)
    seen = await visit()
    await seen.log_in(person)
    await _choose(seen, disguised)
    media_id = await _item(seen, "failed")
    told = person.http.get(f"/v1/media/{media_id}").json()["failure"]
    card = seen.find(".item [data-failure]")
    assert told["message"]
    assert told["action"]
    await expect(card.locator("[data-failure-message]")).to_have_text(told["message"])
    await expect(card.locator("[data-failure-action]")).to_have_text(told["action"])
    await expect(card.locator("[data-other-file]")).to_be_visible()
    assert told["retryable"] is False
    await expect(card.locator("[data-retry]")).to_be_hidden()
    assert seen.errors == []


async def test_an_empty_file_is_refused_before_anything_is_sent(
    visit: NewVisit, person: Person, tmp_path: Path
) -> None:
    empty = tmp_path / "empty.mp4"
    empty.touch()
    seen = await visit()
    await seen.log_in(person)
    await _choose(seen, empty)
    await expect(seen.find(".upload [data-problem]")).to_contain_text("empty")
    assert seen.asked(lambda url: url.endswith("/v1/uploads")) == seen.asked(lambda url: "/v1/uploads" in url)
    await seen.find(".upload [data-drop-upload]").click()
    await expect(seen.find(".upload")).to_have_count(0)


async def test_several_files_go_up_at_once(visit: NewVisit, person: Person, folder: Path) -> None:
    files = [
        clips.streamable(folder / f"part {number}.mp4", seconds=4, size="320x180") for number in range(3)
    ]
    seen = await visit()
    await seen.log_in(person)
    await _choose(seen, *files)
    await seen.until("document.querySelectorAll('.item[data-status=ready]').length === 3", within_s=120)
    titles = [await box.input_value() for box in await seen.find(".item [data-title]").all()]
    assert sorted(titles) == ["part 0", "part 1", "part 2"]


async def test_an_upload_goes_on_after_a_reload_with_what_has_arrived(
    visit: NewVisit, person: Person, folder: Path
) -> None:
    clip = clips.heavy(folder / "long.mov", megabytes=40)
    seen = await visit()
    await seen.log_in(person)
    line = await seen.page.context.new_cdp_session(seen.page)
    await line.send("Network.enable")
    await _slow(line, bytes_a_second=4_000_000)
    await _choose(seen, clip)
    upload_id = await seen.find(".upload").get_attribute("data-upload-id")
    await asyncio.to_thread(await_true, lambda: bool(_arrived(person, upload_id)), "a part has arrived")
    arrived = _arrived(person, upload_id)
    seen.page.on("dialog", lambda dialog: dialog.accept())
    await seen.page.reload()

    row = seen.find(".upload[data-interrupted]")
    await row.wait_for()
    assert "Choose the same file" in await row.locator("[data-detail]").inner_text()
    await _slow(line, bytes_a_second=-1)
    other = folder / "other" / "long.mov"
    other.parent.mkdir()
    other.write_bytes(b"x" * clip.stat().st_size)
    await _choose_again(seen, other)
    await row.locator("[data-problem]").filter(has_text="another file").wait_for()
    before = len(seen.requests)
    await _choose_again(seen, clip)
    await _item(seen, "ready")
    queries = [parse_qs(urlsplit(url).query) for url in seen.requests[before:]]
    sent = {int(number) for query in queries for number in query.get("partNumber", [])}
    assert sent
    assert sent.isdisjoint(arrived)


async def test_an_upload_can_be_paused_and_goes_on(visit: NewVisit, person: Person, folder: Path) -> None:
    clip = clips.heavy(folder / "paused.mov", megabytes=40)
    seen = await visit()
    await seen.log_in(person)
    line = await seen.page.context.new_cdp_session(seen.page)
    await line.send("Network.enable")
    await _slow(line, bytes_a_second=4_000_000)
    await _choose(seen, clip)
    await seen.until("document.querySelector('.upload [data-bar]')?.value > 0.1")
    await seen.find(".upload [data-pause]").click()
    await expect(seen.find(".upload [data-detail]")).to_have_text("Paused")
    await expect(seen.find(".upload [data-pause]")).to_have_text("Go on")
    await _slow(line, bytes_a_second=-1)
    await seen.find(".upload [data-pause]").click()
    await _item(seen, "ready")
    assert seen.foreign == []


async def test_an_upload_belongs_to_one_window_and_ends_when_discarded_elsewhere(
    visit: NewVisit, person: Person, folder: Path
) -> None:
    clip = clips.heavy(folder / "windows.mov", megabytes=20)
    seen = await visit()
    await seen.log_in(person)
    line = await seen.page.context.new_cdp_session(seen.page)
    await line.send("Network.enable")
    await _slow(line, bytes_a_second=200_000)
    await _choose(seen, clip)
    await seen.find(".upload [data-detail]").filter(has_text="%").wait_for()
    upload_id = await seen.find(".upload").get_attribute("data-upload-id")
    other = await seen.page.context.new_page()
    await other.goto(f"{seen.base}/studio")
    row = other.locator(".upload")
    await expect(row.locator("[data-detail]")).to_contain_text("is being uploaded in another window")
    await expect(row.locator("[data-drop-upload]")).to_be_hidden()
    await expect(row.locator("[data-same]")).to_be_hidden()
    person.http.delete(f"/v1/uploads/{upload_id}").raise_for_status()
    await expect(seen.find(".upload [data-problem]")).to_contain_text("Nothing of it is kept")
    await expect(seen.find(".upload [data-pause]")).to_be_hidden()
    await expect(seen.find(".upload [data-again]")).to_be_hidden()
    await expect(row).to_have_count(0)
    await seen.find(".upload [data-drop-upload]").click()
    await expect(seen.find(".upload")).to_have_count(0)


async def test_a_slow_line_gets_two_parts_at_once_and_a_quick_one_more(
    visit: NewVisit, person: Person, folder: Path
) -> None:
    clip = clips.heavy(folder / "line.mov", megabytes=80)
    seen = await visit()
    flying: set[Request] = set()
    most = [0]

    def begins(request: Request) -> None:
        if request.method == "PUT" and "partNumber=" in request.url:
            flying.add(request)
            most[0] = max(most[0], len(flying))

    seen.page.on("request", begins)
    for end in ("requestfinished", "requestfailed"):
        seen.page.on(end, lambda request: flying.discard(request))
    await seen.log_in(person)
    line = await seen.page.context.new_cdp_session(seen.page)
    await line.send("Network.enable")
    await _slow(line, bytes_a_second=500_000)
    await _choose(seen, clip)
    await seen.until("document.querySelector('.upload [data-bar]')?.value > 0.02")
    assert most[0] == 2
    await _slow(line, bytes_a_second=-1)
    await _item(seen, "ready")
    assert most[0] > 2
    assert seen.errors == []


async def test_an_upload_waits_for_the_network_and_says_so(
    visit: NewVisit, person: Person, folder: Path
) -> None:
    clip = clips.heavy(folder / "offline.mov", megabytes=40)
    seen = await visit()
    await seen.log_in(person)
    line = await seen.page.context.new_cdp_session(seen.page)
    await line.send("Network.enable")
    await _slow(line, bytes_a_second=4_000_000)
    await _choose(seen, clip)
    detail = seen.find(".upload [data-detail]")
    await detail.filter(has_text="/s").wait_for()
    await _slow(line, bytes_a_second=4_000_000, offline=True)
    await expect(detail).to_have_text(re.compile(r"^\d+ % of [\d.]+ MB · waiting for the network$"))
    await _slow(line, bytes_a_second=-1)
    await _item(seen, "ready")
    await expect(seen.find(".upload")).to_have_count(0)


async def test_an_item_is_renamed_hidden_and_deleted(visit: NewVisit, person: Person, folder: Path) -> None:
    clip = clips.streamable(folder / "renamed.mp4", seconds=2, size="320x180")
    media_id = person.uploaded(clip.read_bytes(), title="Before")
    seen = await visit(permissions=["clipboard-read", "clipboard-write"])
    await seen.log_in(person)
    row = seen.find(f".item[data-media-id='{media_id}']")

    await row.locator("[data-title]").fill("After")
    await row.locator("[data-title]").press("Enter")
    await seen.find(".toast").filter(has_text="Renamed").wait_for()
    await row.locator("[data-visibility]").select_option("private")
    await seen.find(".toast").filter(has_text="Visibility changed").wait_for()
    now = person.http.get(f"/v1/media/{media_id}").json()
    assert (now["title"], now["visibility"]) == ("After", "private")

    await row.locator("[data-link]").click()
    await seen.find(".toast").filter(has_text="Link copied").wait_for()
    assert (await seen.page.evaluate("navigator.clipboard.readText()")).endswith(f"/watch/{media_id}")

    await row.locator("[data-delete]").click()
    await expect(seen.find("[data-confirm-heading]")).to_contain_text("After")
    # Signed paths that were handed out run on: LONGEST_S of streaming_api.signer.
    await expect(seen.find("[data-confirm-text]")).to_contain_text("up to a day")
    await seen.page.keyboard.press("Escape")
    await expect(seen.find("[data-confirm]")).to_be_hidden()
    await expect(row).to_be_visible()
    assert person.http.get(f"/v1/media/{media_id}").status_code == 200, "Escape keeps it"
    await row.locator("[data-delete]").click()
    await seen.find("[data-confirm-yes]").click()
    await row.wait_for(state="detached")
    await_true(lambda: person.http.get(f"/v1/media/{media_id}").status_code == 404, "deleted")
    assert seen.errors == []


async def test_changes_made_elsewhere_arrive_by_themselves(visit: NewVisit, person: Person) -> None:
    seen = await visit()
    await seen.log_in(person)
    await seen.find("[data-nothing]").wait_for()
    media_id = person.uploaded(b"no film at all", title="From another device")
    row = seen.find(f".item[data-media-id='{media_id}'][data-status=failed]")
    await row.wait_for(timeout=60_000)
    await expect(row.locator("[data-title]")).to_have_value("From another device")
    assert seen.errors == []


async def test_a_session_outlives_a_reload_and_no_script_can_read_it(visit: NewVisit, person: Person) -> None:
    seen = await visit()
    await seen.log_in(person)
    await seen.page.reload()
    await seen.find("[data-room]").wait_for()
    assert await seen.page.evaluate("document.cookie") == ""
    kept = await seen.page.evaluate("JSON.stringify([localStorage, sessionStorage])")
    assert not re.search(r"eyJ|refresh", kept)
    [cookie] = await seen.page.context.cookies(f"{seen.base}/session")
    assert cookie.get("httpOnly")
    assert cookie.get("sameSite") == "Strict"
    await seen.find("[data-logout]").click()
    await seen.find("[data-door]").wait_for()
    async with httpx.AsyncClient(cookies={cookie.get("name", ""): cookie.get("value", "")}) as client:
        answer = await client.post(f"{seen.base}/session/refresh", json={})
    assert answer.status_code == 401, "the session has ended on the server as well"


async def test_two_tabs_share_a_session(visit: NewVisit, person: Person) -> None:
    seen = await visit()
    await seen.log_in(person)
    tabs = [await seen.page.context.new_page() for _ in range(3)]
    for tab in tabs:
        await tab.goto(f"{seen.base}/studio", wait_until="commit")
    for tab in tabs:
        await tab.locator("[data-room]").wait_for()
        await expect(tab.locator("[data-door]")).to_be_hidden()


async def test_logging_out_empties_the_other_tabs_at_once(
    visit: NewVisit, creator: Person, ready_item: str
) -> None:
    creator.http.patch(f"/v1/media/{ready_item}", json={"visibility": "private"}).raise_for_status()
    try:
        seen = await visit()
        await seen.log_in(creator)
        studio, watch = [await seen.page.context.new_page() for _ in range(2)]
        await studio.goto(f"{seen.base}/studio")
        await studio.locator(f".item[data-media-id='{ready_item}']").wait_for()
        await watch.goto(f"{seen.base}/watch/{ready_item}")
        await watch.locator("[data-stage]").wait_for()
        await seen.find("[data-logout]").click()
        await studio.locator("[data-door]").wait_for()
        await expect(studio.locator(".item")).to_have_count(0)
        await expect(watch.locator("h1")).to_contain_text("There is nothing here")
        await expect(watch.locator("[data-stage]")).to_have_count(0)
    finally:
        creator.http.patch(f"/v1/media/{ready_item}", json={"visibility": "public"}).raise_for_status()


async def test_wrong_credentials_are_said_in_plain_words(visit: NewVisit, person: Person) -> None:
    seen = await visit()
    await seen.go("/studio")
    await seen.find("#email").fill(person.email)
    await seen.find("#password").fill("not the password")
    await seen.page.keyboard.press("Enter")
    await expect(seen.find("[data-account-problem]")).to_have_text(re.compile(r"password.*try again\.$"))


def _arrived(person: Person, upload_id: str | None) -> set[int]:
    """Numbers of the parts that S3 holds."""
    answer = person.http.get(f"/v1/uploads/{upload_id}").raise_for_status()
    return {part["number"] for part in answer.json()["parts"]}


async def _slow(line: CDPSession, bytes_a_second: int, *, offline: bool = False) -> None:
    await line.send(
        "Network.emulateNetworkConditions",
        {"offline": offline, "latency": 0, "downloadThroughput": -1, "uploadThroughput": bytes_a_second},
    )


async def _choose_again(seen: Visit, file: Path) -> None:
    async with seen.page.expect_file_chooser() as chooser:
        await seen.find(".upload [data-same]").click()
    await (await chooser.value).set_files(file)
