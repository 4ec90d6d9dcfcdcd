"""Starting and reaping child processes. The one place that calls ``waitpid``, orphans included.

All is done in the main thread: the parent-death signal fires when the *thread* that started a child ends.
"""

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.supervisor import linux, processes
from deploy.supervisor.service import StepFailedError


@dataclass(frozen=True)
class Child:
    """A process that leads its own session. ``exited`` gives its exit code (negative: the signal)."""

    pid: int
    exited: asyncio.Future[int]

    def session(self) -> Iterator[int]:
        """Living processes of its session."""
        return processes.of_session(self.pid)


@dataclass(frozen=True)
class Launch:
    """How a child is started. Nothing of this process's environment is handed on by itself."""

    command: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    folder: Path
    death_signal: signal.Signals = signal.SIGKILL
    named_user: bool = False


class Children:
    """The children of this process: those started by ``spawn``, and orphans that came to it."""

    def __init__(self) -> None:
        self._known: dict[int, Child] = {}
        self._loop = asyncio.get_running_loop()
        self._loop.add_signal_handler(signal.SIGCHLD, self._reap)
        linux.become_subreaper()

    def spawn(self, launch: Launch) -> Child:
        """Start a child. Raises StepFailedError when the program cannot be started at all."""
        try:
            with launch.log.open("ab") as log:
                process = subprocess.Popen(  # noqa: S603 -- commands are our own service definitions
                    launch.command,
                    env=dict(launch.environment),
                    cwd=launch.folder,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    preexec_fn=_before_exec(launch, os.getpid()),
                )
        except (OSError, subprocess.SubprocessError) as error:
            raise StepFailedError(f"{launch.command[0]} cannot be started: {error}") from error
        process.returncode = 0  # reaped below, not by Popen
        child = Child(process.pid, self._loop.create_future())
        self._known[child.pid] = child
        return child

    async def run(self, launch: Launch) -> None:
        """Run a command to its end, killed when cancelled. Raises StepFailedError unless it exits with 0."""
        child = self.spawn(launch)
        try:
            code = await asyncio.shield(child.exited)
        finally:
            processes.signal_all(child.session(), signal.SIGKILL)
        if code != 0:
            raise StepFailedError(f"{Path(launch.command[0]).name} ended with {code}")

    def orphans(self) -> list[int]:
        """Children that nobody here started: their parents died without taking them along."""
        return [pid for pid in processes.own_children() if pid not in self._known]

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            child = self._known.pop(pid, None)
            if child is not None and not child.exited.done():
                child.exited.set_result(os.waitstatus_to_exitcode(status))


def _before_exec(launch: Launch, parent: int) -> Callable[[], None]:
    change = launch.named_user and linux.needs_other_identity()
    inside, to_nobody = linux.named_ids(), change and linux.becomes_nobody()

    def before_exec() -> None:
        if change:
            linux.change_identity(inside, to_nobody=to_nobody)
        linux.die_with_parent(launch.death_signal, parent)

    return before_exec
