"""Promises of ``mcsp down`` to whoever watches: what ends is said, an interrupt ends only the watching."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy import demo, ending
from deploy.handle import StackHandle, free_port_base
from deploy.interrupts import Interrupts
from deploy.supervisor import processes


@pytest.fixture
def small(tmp_path: Path) -> Iterator[StackHandle]:
    """A stack of Valkey alone."""
    handle = StackHandle(tmp_path / "home", free_port_base())
    handle.up(only=["valkey"])
    yield handle
    handle.down()


def test_down_says_what_ends_and_tells_it_from_nothing_running(small: StackHandle) -> None:
    first, second = small.run("down"), small.run("down")
    assert first.stdout.splitlines() == [
        "ending 1 service…",
        "  valkey ended",
        f"ended; the data stays in {small.home}",
    ]
    assert second.stdout.splitlines() == [f"nothing was running in {small.home}"]


def _heed_interrupts() -> None:
    """As in a terminal, also where the tests themselves were started with INT ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_an_interrupt_while_it_ends_says_that_it_goes_on(small: StackHandle) -> None:
    os.kill(pid := small.service("valkey").pid or 0, signal.SIGSTOP)
    down = subprocess.Popen(
        small.context.command("down"),
        env=small.env("client"),
        preexec_fn=_heed_interrupts,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert down.stdout is not None
    assert down.stdout.readline() == "ending 1 service…\n"
    down.send_signal(signal.SIGINT)
    _, said = down.communicate(timeout=30)
    os.kill(pid, signal.SIGCONT)
    assert down.returncode == 130
    assert "goes on ending in the background" in said
    assert "mcsp status" in said
    assert "Traceback" not in said
    ending.wait_until_ended(small.context.layout.run)
    assert processes.start_ticks(pid) is None


def test_a_demo_whose_stack_is_ended_by_another_command_ends_itself(small: StackHandle) -> None:
    watching = (
        "from deploy.context import Context; from mcsp.settings import settings; from deploy import demo;"
    )
    process = subprocess.Popen(
        (sys.executable, "-c", f"{watching} demo._until_interrupted(Context.of(settings()), lambda: None)"),
        env=small.env("client"),
        stdout=subprocess.PIPE,
        text=True,
    )
    small.down()
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "the stack was ended by another command" in said


def test_an_interrupt_as_soon_as_it_is_invited_is_an_ordinary_end(tmp_path: Path) -> None:
    context = StackHandle(tmp_path, free_port_base()).context
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    Interrupts()
    try:
        assert demo._until_interrupted(context, lambda: signal.raise_signal(signal.SIGINT))
    finally:
        for number, handler in zip((signal.SIGINT, signal.SIGTERM), before, strict=True):
            signal.signal(number, handler)
