"""The Dagster address that people are given opens on how the media assets come from one another."""

import pytest
from playwright.async_api import Browser

from deploy.handle import StackHandle
from deploy.stack import pages

pytestmark = pytest.mark.stack


async def test_the_link_of_status_and_demo_shows_the_lineage(stack: StackHandle, browser: Browser) -> None:
    address = pages(stack.context.settings)["dagster"]
    said = stack.run("status").stdout
    assert address in said
    # Dagster's pages stay empty under the language "en-US@posix", which headless Chromium has by itself.
    page = await browser.new_page(viewport={"width": 1400, "height": 900}, locale="en-US")
    await page.goto(address)
    for name in ("sources", "renditions", "packages"):
        await page.locator("svg foreignObject", has_text=name).first.wait_for(timeout=60_000)
    await page.locator("svg foreignObject", has_text="renditions").first.click(timeout=10_000)
    assert await page.get_by_role("dialog").count() == 0, "nothing lies over the graph"
    await page.close()
