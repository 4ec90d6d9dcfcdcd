"""Ending a supervisor as a person sees it: what is ended, what has ended, and what an interrupt means.

What does not belong here: clearing up after a supervisor that was killed (``deploy.control``).
"""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.supervisor import processes
from deploy.supervisor import state as state_file
from deploy.supervisor.state import State, UnitState

Say = Callable[[str], None]
"""Hears one line for people."""

_GOES_ON = "The stack goes on ending in the background; `mcsp status` tells when it has stopped."
_LOOK_AGAIN_S, _AN_HOUR_S = 0.1, 3600.0


class StillEndingError(Exception):
    """Whoever waited for the end was interrupted; the supervisor goes on ending."""


def end_supervisor(run: Path, limit_s: float, say: Say) -> None:
    """TERM to guard and supervisor, wait until both are gone; KILL what is still there after ``limit_s``.

    Raises StillEndingError when interrupted while it waits.
    """
    path = run / "lock"
    try:
        with _uninterrupted():
            announced, holders = _alive(run), processes.with_open_file(path)
            say(f"ending {_counted(announced)}…")
            processes.signal_all(holders, signal.SIGTERM)
        _follow(run, holders, announced, limit_s, say)
    except KeyboardInterrupt:
        raise StillEndingError(_GOES_ON) from None
    late = processes.with_open_file(path)
    processes.signal_all(late, signal.SIGKILL)
    processes.wait_until_gone(late, limit_s)


def _counted(services: set[str]) -> str:
    """Before the first service has a process there is the supervisor alone."""
    return f"{len(services)} service{'s' * (len(services) != 1)}" if services else "the supervisor"


def wait_until_ended(run: Path) -> None:
    """Wait until nobody supervises this stack, however it came about."""
    while holders := processes.with_open_file(run / "lock"):
        processes.wait_until_gone(holders, _AN_HOUR_S)


def _follow(run: Path, holders: list[int], announced: set[str], limit_s: float, say: Say) -> None:
    """Say each service's end until the holders are gone or the time is over."""
    told: set[str] = set()
    for _ in range(round(limit_s / _LOOK_AGAIN_S)):
        gone = all(processes.start_ticks(pid) is None for pid in holders)
        for name in sorted(announced - _alive(run) - told):
            told.add(name)
            say(f"  {name} ended")
        if gone:
            return
        processes.wait_until_gone(holders, _LOOK_AGAIN_S)


def _alive(run: Path) -> set[str]:
    """Services that have a process, by the supervisor's word."""
    state = state_file.read(run / "state.json")
    return {name for name, unit in state.units.items() if _has_process(unit)} if state else set()


def _has_process(unit: UnitState) -> bool:
    return not unit.step and unit.pid is not None and unit.state is not State.STOPPED


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """INT and TERM wait: either everybody has been told to end, or nobody."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
