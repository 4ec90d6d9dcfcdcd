"""Promise of ``mcsp demo``: from nothing to a page that plays, and Ctrl-C leaves nothing behind."""

import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from deploy.handle import StackHandle, free_port_base

pytestmark = pytest.mark.stack

LIMIT_S = 240


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[tuple[StackHandle, subprocess.Popen[str]]]:
    """The demo of a fresh home, ended whatever happens."""
    handle = StackHandle(tmp_path / "home", free_port_base())
    process = subprocess.Popen(
        handle.context.command("demo"),
        env=handle.env("client"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield handle, process
    finally:
        process.kill()
        process.wait()
        handle.down()


def test_the_demo_publishes_a_sample_and_ends_the_stack_on_ctrl_c(
    demo: tuple[StackHandle, subprocess.Popen[str]],
) -> None:
    handle, process = demo
    assert process.stdout is not None
    ticking = threading.Timer(LIMIT_S, process.kill)
    ticking.start()
    said = ""
    for line in process.stdout:
        said += line
        if "Ctrl-C ends the stack" in line:
            break
    ticking.cancel()
    watch = re.search(r"http://[0-9.:]+/watch/[0-9a-f-]{36}", said)
    assert watch, said
    assert httpx.get(watch.group(), timeout=30, trust_env=False).status_code == 200
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0
    assert handle.left_running() == set()
