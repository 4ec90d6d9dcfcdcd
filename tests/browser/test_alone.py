"""Promises of the studio's page that need no stack: the web service alone, seen by a browser."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator

import pytest
import uvicorn
from playwright.async_api import Browser, Page, Route, expect

from mcsp.settings import S3Settings, Settings
from streaming_api.app import create_app

pytestmark = [pytest.mark.browser]


@pytest.fixture
async def studio(browser: Browser) -> AsyncIterator[Page]:
    """The studio of a web service behind which nothing answers (the discard port)."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        options = Settings(api_url="http://127.0.0.1:9", media_url=url, s3=S3Settings(public_endpoint=url))
        server = uvicorn.Server(uvicorn.Config(create_app("web", options=options), log_config=None))
        serving = asyncio.create_task(server.serve([listener]))
        context = await browser.new_context()
        page = await context.new_page()
        await page.goto(f"{url}/studio")
        yield page
        await context.close()
        server.should_exit = True
        await serving


async def _fill(page: Page, password: str) -> None:
    await page.get_by_role("button", name="Create account").first.click()
    await page.get_by_label("Your name").fill("Ada")
    await page.get_by_label("Email").fill("ada@example.org")
    await page.get_by_label("Password").fill(password)
    await page.locator("[data-account-submit]").click()


async def _marked(page: Page, label: str, sentence: str) -> None:
    field = page.get_by_label(label)
    await expect(page.locator("[data-account-problem]")).to_have_text(sentence)
    await expect(field).to_be_focused()
    await expect(field).to_have_attribute("aria-invalid", "true")
    assert "account-problem" in (await field.get_attribute("aria-describedby") or "").split()


async def test_a_short_password_is_said_at_its_field(studio: Page) -> None:
    await _fill(studio, "short")
    await _marked(studio, "Password", "A password needs at least 8 characters.")


async def test_a_field_that_the_server_refuses_is_marked_in_plain_words(studio: Page) -> None:
    errors = [{"field": "display_name", "message": "“display_name” may have at most 80 characters."}]
    body = json.dumps({"detail": errors[0]["message"], "errors": errors})

    async def refuse(route: Route) -> None:
        await route.fulfill(status=400, content_type="application/problem+json", body=body)

    await studio.route("**/v1/auth/register", refuse)
    await _fill(studio, "long enough")
    await _marked(studio, "Your name", "The name may have at most 80 characters.")


async def test_a_file_chosen_while_offline_can_be_tried_again_and_starts_once_online(studio: Page) -> None:
    asked: list[str | None] = []
    online = False

    async def answer(route: Route) -> None:
        asked.append(await route.request.header_value("idempotency-key"))
        if not online:
            await route.abort("internetdisconnected")
        else:
            await route.fulfill(
                status=413, content_type="application/problem+json", body='{"detail": "Too big."}'
            )

    await studio.route("**/v1/uploads", answer)
    await studio.evaluate("""async () => {
      const script = document.querySelector('script[src*="js/studio.js"]').src;
      const { uploads } = await import(script.replace("studio.js", "studio/uploads.js"));
      document.querySelector("[data-room]").hidden = false;
      uploads({ onItem: async () => null });
    }""")
    film = {"name": "film.mp4", "mimeType": "video/mp4", "buffer": b"film"}
    await studio.locator("[data-files]").set_input_files(film)  # pyright: ignore[reportArgumentType] -- a dict does
    again = studio.locator(".upload [data-again]")
    await expect(again).to_be_visible()
    await again.click()
    await expect(again).to_be_visible()
    online = True
    await studio.evaluate("window.dispatchEvent(new Event('online'))")
    await expect(studio.locator(".upload [data-problem]")).to_have_text("Too big.")
    await expect(again).to_be_hidden()
    assert len(asked) == 3
    assert len(set(asked)) == 1, "each try asks for the same upload"


async def test_the_player_calls_a_quality_what_the_studio_calls_it(studio: Page) -> None:
    named = await studio.evaluate("""async () => {
      const script = document.querySelector('script[src*="js/studio.js"]').src;
      const { createPlayer } = await import(script.replace("studio.js", "player/player.js"));
      const tracks = [{ width: 640, height: 272, bandwidth: 3e5, active: true },
        { width: 320, height: 136, bandwidth: 1e5 }];
      const Player = class extends EventTarget {
        attach() {} configure() {} getVariantTracks() { return tracks; }
        getNetworkingEngine() { return { registerRequestFilter() {} }; }
      };
      window.shaka = { Player };
      const nameOf = (width, height) => (width === 640 && height === 272 ? "240p" : undefined);
      const player = await createPlayer(document.createElement("video"), async () => ({}), nameOf);
      return [player.playing().name, player.rungs().map((rung) => rung.name)];
    }""")
    assert named == ["240p", ["240p", "136p"]]


async def test_a_failed_item_offers_no_link_and_deleting_it_leaves_the_focus_at_the_list(
    studio: Page,
) -> None:
    async def gone(route: Route) -> None:
        await route.fulfill(status=204)

    await studio.route("**/v1/media/*", gone)
    await studio.evaluate("""async () => {
      const script = document.querySelector('script[src*="js/studio.js"]').src;
      const { items } = await import(script.replace("studio.js", "studio/items.js"));
      document.querySelector("[data-room]").hidden = false;
      const list = items();
      const failure = { code: "broken", message: "Broken.", action: "Mend it." };
      list.change({ media_id: "a", title: "A", status: "failed", visibility: "public", failure });
      list.change({ media_id: "b", title: "B", status: "ready", visibility: "public" });
    }""")
    failed = studio.locator('.item[data-status="failed"]')
    await expect(failed.locator("[data-link]")).to_be_hidden()
    await expect(studio.locator('.item[data-status="ready"] [data-link]')).to_be_visible()
    await failed.locator("[data-delete]").click()
    await studio.locator("[data-confirm-yes]").click()
    await expect(failed).to_have_count(0)
    await expect(studio.locator("#items-heading")).to_be_focused()


async def test_a_name_turns_nothing_around_it(studio: Page) -> None:
    await studio.route("**/v1/media/*", lambda route: route.fulfill(status=204))
    await studio.evaluate("""async () => {
      const script = document.querySelector('script[src*="js/studio.js"]').src;
      const { items } = await import(script.replace("studio.js", "studio/items.js"));
      document.querySelector("[data-room]").hidden = false;
      const title = "\u202eסרט 1"; // its first character would turn all that follows
      items().change({ media_id: "a", title, status: "ready", visibility: "public" });
    }""")
    title = studio.locator("[data-title]")
    assert await title.evaluate("(input) => getComputedStyle(input).direction") == "rtl"
    await studio.locator(".item [data-delete]").click()
    heading = studio.locator("[data-confirm-heading]")
    await expect(heading).to_have_text("Delete “\u2068סרט 1\u2069”?")
    assert await heading.evaluate("""(heading) => {
      const [text] = heading.childNodes;
      const left = (at) => {
        const range = document.createRange();
        range.setStart(text, at);
        range.setEnd(text, at + 1);
        return range.getBoundingClientRect().left;
      };
      const places = [...text.data].map((_, at) => left(at));
      return places.at(-1) === Math.max(...places);
    }"""), "the question mark comes last"
    await studio.locator("[data-confirm-yes]").click()
    await expect(studio.locator(".toast")).to_have_text("“\u2068סרט 1\u2069” is deleted")


async def test_where_there_is_touch_alone_no_keys_are_offered(studio: Page, browser: Browser) -> None:
    context = await browser.new_context(has_touch=True, is_mobile=True)
    phone = await context.new_page()
    for page, shown in ((phone, False), (studio, True)):
        await page.goto(studio.url)
        sheet = await page.locator('link[href*="css/studio.css"]').get_attribute("href") or ""
        await page.add_style_tag(url=sheet.replace("studio.css", "watch.css"))
        await page.evaluate("""document.querySelector("main").insertAdjacentHTML(
            "beforeend", '<button class="button" data-do="keys">Keys</button>')""")
        assert await page.locator("[data-do=keys]").is_visible() == shown
    await context.close()
