"""The browser that the tests drive: where it lies, and what happens where there is none."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

from deploy.setup.places import BROWSER

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--mute-audio",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
WITHOUT = "MCSP_TEST_WITHOUT_BROWSER"


def executable(folder: Path = BROWSER, variables: Mapping[str, str] = os.environ) -> Path:
    """The program. Where it is missing the test fails; ``MCSP_TEST_WITHOUT_BROWSER=1`` leaves it out."""
    chrome = folder / "chrome"
    if not chrome.exists():
        if variables.get(WITHOUT) == "1":
            pytest.skip(f"no browser, and {WITHOUT}=1 says that none is wanted")
        pytest.fail(
            "no browser: `make setup` unpacks one for x86-64 Linux; "
            f"{WITHOUT}=1 leaves out the tests that need it",
            pytrace=False,
        )
    return chrome


@asynccontextmanager
async def running_browser() -> AsyncIterator[Browser]:
    """The browser, headless."""
    chrome = executable()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chrome, args=FLAGS)
        yield browser
        await browser.close()
