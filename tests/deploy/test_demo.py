"""Promises of ``mcsp demo``: from nothing to a page that plays; Ctrl-C at any time leaves nothing behind."""

import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.handle import StackHandle, free_port_base
from tests.browser.chrome import running_browser
from tests.browser.visit import Visit

pytestmark = pytest.mark.stack

LIMIT_S = 240


def _demo_of(handle: StackHandle) -> subprocess.Popen[str]:
    return subprocess.Popen(
        handle.context.command("demo"),
        env=handle.env("client"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[tuple[StackHandle, subprocess.Popen[str]]]:
    """The demo of a fresh home, ended whatever happens."""
    handle = StackHandle(tmp_path / "home", free_port_base())
    process = _demo_of(handle)
    try:
        yield handle, process
    finally:
        process.kill()
        process.wait()
        handle.down()


Demo = tuple[StackHandle, subprocess.Popen[str]]


def _lines(process: subprocess.Popen[str]) -> Iterator[str]:
    """What the demo says, as it says it; a demo that takes too long is killed, and says no more."""
    assert process.stdout is not None
    ticking = threading.Timer(LIMIT_S, process.kill)
    ticking.start()
    try:
        while line := process.stdout.readline():
            yield line
    finally:
        ticking.cancel()


def _interrupted(demo: Demo, number: signal.Signals) -> str:
    """Everything that the interrupted demo says from then on; it has left nothing running."""
    handle, process = demo
    process.send_signal(number)
    said = "".join(_lines(process))
    assert process.wait(timeout=60) == 130, said
    assert "Aborted" not in said
    assert "Traceback" not in said
    assert handle.left_running() == set()
    return said


async def _plays(address: str, handle: StackHandle) -> None:
    """Somebody opens the page in a browser and presses play; nobody else is asked and nothing is logged."""
    urls = handle.urls
    async with running_browser() as browser:
        ours = {urls["api"], urls["pop-1"]}
        seen = Visit(await browser.new_page(), urls["api"], ours).watch()
        await seen.page.goto(address)
        await seen.find("[data-do=start]").click()
        await seen.until("v.currentTime > 2 && v.videoWidth > 0 && !v.paused")
        assert seen.errors == []
        assert seen.foreign == []


@pytest.mark.browser
async def test_the_demo_publishes_a_sample_that_plays_and_ends_the_stack_on_ctrl_c(demo: Demo) -> None:
    handle, process = demo
    said = ""
    for line in _lines(process):
        said += line
        if "Ctrl-C ends the stack" in line:
            break
    watch = re.search(r"http://[0-9.:]+/watch/[0-9a-f-]{36}", said)
    assert watch, said
    await _plays(watch.group(), handle)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0
    assert handle.left_running() == set()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_while_servers_start_says_so_and_stops_them(demo: Demo, number: signal.Signals) -> None:
    assert next(line for line in _lines(demo[1]) if "postgres" in line and "healthy" in line)
    said = _interrupted(demo, number)
    assert "  postgres ended" in said
    assert said.splitlines()[-1] == "the start was interrupted; everything is stopped."


def test_an_interrupt_before_the_first_server_starts_stops_the_supervisor(demo: Demo) -> None:
    handle, process = demo
    while process.poll() is None and not handle.supervision():
        continue
    assert _interrupted(demo, signal.SIGINT).endswith("the start was interrupted; everything is stopped.\n")


def test_an_interrupted_demo_leaves_the_stack_that_ran_before(tmp_path: Path) -> None:
    handle = StackHandle(tmp_path / "home", free_port_base())
    handle.up(only=["valkey"])
    pid = handle.service("valkey").pid
    try:
        with _demo_of(handle) as process:
            assert next(line for line in _lines(process) if "valkey" in line and "healthy" in line)
            process.send_signal(signal.SIGINT)
            said = "".join(_lines(process))
        assert "the start was interrupted; the stack that ran before goes on." in said
        assert handle.service("valkey").pid == pid
        assert pid in handle.left_running()
    finally:
        handle.down()
