"""What share of the processor a media program gets beside the servers on the same machine.

What does not belong here: hard limits (``sandbox``), and which work is urgent (the worker's).
"""

import asyncio
import contextlib
import os
from pathlib import Path

_AGAIN_S = 0.12
"""The kernel takes one such change in a tenth of a second from ordinary users, on the whole machine."""
_PATIENCE_S = 30.0


async def lower(leader: int, nice: int) -> None:
    """Gives a process that leads a session of its own, and the session, the ``nice`` value (0 … 19).

    Linux's autogroups share the processor between sessions first and read a thread's own nice value only
    inside its session (sched(7)): at nice 19 a program in its own session still gets as much as the
    database. So the session's value is set too, where the kernel has one. A process that has ended is fine.
    """
    process = Path("/proc") / str(leader)
    with contextlib.suppress(FileNotFoundError, ProcessLookupError, TimeoutError):
        _lower_threads(process / "task", nice)
        async with asyncio.timeout(_PATIENCE_S):
            while not _lower_session(process / "autogroup", nice):  # noqa: ASYNC110 -- the kernel tells of no event
                await asyncio.sleep(_AGAIN_S)


def _lower_threads(tasks: Path, nice: int) -> None:
    """On Linux each thread has a value of its own, which new ones inherit: until no unknown one is found."""
    lowered: set[int] = set()
    while fresh := {int(task.name) for task in tasks.iterdir()} - lowered:
        for thread in fresh:
            with contextlib.suppress(ProcessLookupError):
                os.setpriority(os.PRIO_PROCESS, thread, nice)
        lowered |= fresh


def _lower_session(control: Path, nice: int) -> bool:
    """False where the kernel wants to be asked again later."""
    try:
        control.write_text(str(nice))
    except BlockingIOError:
        return False
    return True
