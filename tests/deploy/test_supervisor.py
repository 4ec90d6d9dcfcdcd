"""Promises of the supervisor itself, on toy services: order, persistence, no orphans."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.layout import PROJECT
from deploy.supervisor import processes
from deploy.supervisor import state as state_file
from deploy.supervisor.state import StackState, State


class Toy:
    """The toy stack's process and what it says."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.deploy.toy_stack", str(folder)],
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
        )

    def state(self) -> StackState:
        return state_file.read(self.folder / "state.json") or StackState(0, 0)

    def until(self, condition: Callable[[], bool], limit_s: float = 30) -> None:
        deadline = time.monotonic() + limit_s
        while not condition():
            assert time.monotonic() < deadline, self.state()
            time.sleep(0.02)

    def is_in(self, name: str, state: State) -> bool:
        units = self.state().units
        return name in units and units[name].state == state

    def pid(self, name: str) -> int:
        pid = self.state().units[name].pid
        assert pid is not None
        return pid

    def end(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(timeout=30) == 0


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[Toy]:
    toy = Toy(tmp_path)
    yield toy
    if toy.process.poll() is None:
        toy.end()


def test_a_dependent_starts_after_the_step_that_follows_its_base(toy: Toy) -> None:
    toy.until(lambda: toy.is_in("dependent", State.HEALTHY))
    marks = [(toy.folder / name).stat().st_mtime_ns for name in ("base.up", "step", "dependent.up")]
    assert marks == sorted(marks)


def test_dependents_are_stopped_before_what_they_need(toy: Toy) -> None:
    toy.until(lambda: toy.is_in("dependent", State.HEALTHY))
    toy.end()
    assert (toy.folder / "ended").read_text().split() == ["dependent", "base"]


def test_it_never_gives_up_on_a_service_that_fails_again_and_again(toy: Toy) -> None:
    toy.until(lambda: toy.is_in("flaky", State.RESTARTING))
    toy.until(lambda: "ended with 3" in toy.state().units["flaky"].reason)
    toy.until(lambda: toy.is_in("flaky", State.HEALTHY))
    assert toy.state().units["flaky"].restarts == 6
    assert toy.state().units["flaky"].failures == 0


def test_a_child_that_left_its_dead_parents_session_is_ended_too(toy: Toy) -> None:
    toy.until(lambda: toy.is_in("parent", State.HEALTHY))
    stray, parent = int((toy.folder / "stray.pid").read_text()), toy.pid("parent")
    os.kill(parent, signal.SIGKILL)
    toy.until(lambda: toy.is_in("parent", State.HEALTHY) and toy.pid("parent") != parent)
    assert processes.start_ticks(stray) is None


def test_nothing_runs_after_it_has_stopped(toy: Toy) -> None:
    toy.until(lambda: toy.is_in("dependent", State.HEALTHY) and toy.is_in("parent", State.HEALTHY))
    toy.end()
    assert list(processes.with_environment("MCSP_SUPERVISED_BY", str(toy.folder))) == []
    assert {unit.state for unit in toy.state().units.values()} <= {State.STOPPED, State.DONE}


def test_services_end_with_a_supervisor_that_is_killed(toy: Toy) -> None:
    toy.until(lambda: toy.is_in("dependent", State.HEALTHY))
    pids = [toy.pid("base"), toy.pid("dependent")]
    toy.process.kill()
    toy.process.wait()
    processes.wait_until_gone(pids, limit_s=10)
    assert [processes.start_ticks(pid) for pid in pids] == [None, None]
    processes.signal_all(processes.with_environment("MCSP_SUPERVISED_BY", str(toy.folder)), signal.SIGKILL)
