"""A media program in the background gets less of the processor than the servers beside it."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from media_ops import priority, sandbox
from tests.streaming_api.api import await_true

LIMITS = sandbox.Limits(cpu_s=20, wall_s=30)
THREADS = (
    "import threading; stop = threading.Event();"
    "[threading.Thread(target=stop.wait, daemon=True).start() for _ in range(3)];"
    "print(flush=True); stop.wait()"
)


def nice_of_threads(pid: int) -> set[int]:
    return {os.getpriority(os.PRIO_PROCESS, int(task.name)) for task in Path(f"/proc/{pid}/task").iterdir()}


def nice_of_session(pid: int) -> int:
    control = Path(f"/proc/{pid}/autogroup")
    if not control.exists():
        pytest.skip("this kernel has no autogroups (CONFIG_SCHED_AUTOGROUP)")
    return int(control.read_text().split()[-1])


async def test_a_program_started_in_the_background_lowers_its_whole_session(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", THREADS]
    async with sandbox.start(argv, limits=LIMITS, scratch=tmp_path, nice=19) as child:
        assert child.process.stdout
        await child.process.stdout.readline()
        assert nice_of_threads(child.process.pid) == {19}
        pid = child.process.pid  # the kernel may refuse the first tries of an ordinary user
        await asyncio.to_thread(await_true, lambda: nice_of_session(pid) == 19, "the session is lowered")


async def test_a_program_that_steps_back_does_so_with_all_its_threads(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", THREADS]
    async with sandbox.start(argv, limits=LIMITS, scratch=tmp_path) as child:
        assert child.process.stdout
        await child.process.stdout.readline()
        assert nice_of_threads(child.process.pid) == {0}
        await priority.lower(child.process.pid, 10)
        assert nice_of_threads(child.process.pid) == {10}
        assert nice_of_session(child.process.pid) == 10


async def test_a_program_that_has_ended_is_no_error(tmp_path: Path) -> None:
    async with sandbox.start([sys.executable, "-c", ""], limits=LIMITS, scratch=tmp_path) as child:
        await child.finish()
        await priority.lower(child.process.pid, 10)
