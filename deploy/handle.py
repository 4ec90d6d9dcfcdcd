"""A stack as a program sees it: start it, ask it, hurt it, end it. For tests, benches and the demo.

Everything goes through the ``mcsp`` command, as a person would do it.
"""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec
import psutil

from deploy import control
from deploy.context import Context
from deploy.report import Report, ServiceReport
from deploy.stack import endpoints, environment
from deploy.supervise import sessions_of
from deploy.supervisor import processes
from mcsp.settings import Settings

_LOOK_AGAIN_S = 0.1
PORTS_A_STACK = 100
"""Ports from its base on that a stack may use."""


@dataclass(frozen=True)
class StackHandle:
    """One stack: its home and its port base."""

    home: Path
    port_base: int

    @classmethod
    def running_in(cls, home: Path) -> "StackHandle":
        """The stack that runs in ``home``, whatever its ports are."""
        state = control.read_state(Context.of(Settings(home=home)))
        if state is None:
            raise control.StackError(f"no stack runs in {home}: start it with `mcsp up --wait`")
        return cls(home, state.port_base)

    @cached_property
    def context(self) -> Context:
        return Context.of(Settings(home=self.home, port_base=self.port_base))

    @property
    def urls(self) -> dict[str, str]:
        """Addresses by name (``api``, ``dagster``, ``pop-1``, ``s3``)."""
        return endpoints(self.context.settings)

    def env(self, role: str) -> dict[str, str]:
        """Environment of a process of ``role`` (``tests`` knows everything); complete, not only ours."""
        return {**self.context.base_environment(), **environment(self.context.settings, role)}

    def run(
        self, *arguments: str, limit_s: float = 300, **variables: str
    ) -> subprocess.CompletedProcess[str]:
        """Run ``mcsp …`` on this stack; output is text, the exit code is the caller's to judge."""
        return subprocess.run(  # noqa: S603 -- our own command
            self.context.command(*arguments),
            env={**self.env("client"), **variables},
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=False,
        )

    def up(self, *, only: Iterable[str] = ()) -> None:
        """``mcsp up --wait``. Raises StackError with what it said when it failed."""
        chosen = ("--only", ",".join(only)) if only else ()
        done = self.run("up", "--wait", *chosen)
        if done.returncode != 0:
            raise control.StackError(done.stdout + done.stderr)

    def down(self) -> None:
        """``mcsp down``. Raises StackError when it failed or left something running."""
        done = self.run("down")
        if done.returncode != 0:
            raise control.StackError(done.stdout + done.stderr)
        if left := self.left_running():
            raise control.StackError(f"`mcsp down` left running: {left}")

    def status(self) -> Report:
        """``mcsp status --json``."""
        return msgspec.json.decode(self.run("status", "--json").stdout, type=Report)

    def service(self, name: str) -> ServiceReport:
        """One service, read from the supervisor's state file (quicker than the command)."""
        state = control.read_state(self.context)
        if state is None:
            return ServiceReport("stopped", None, None)
        unit = state.units[name]
        return ServiceReport(unit.state, unit.pid, unit.port)

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to a service's own process; gives the pid it went to."""
        pid = self.service(name).pid
        if pid is None:
            raise control.StackError(f"{name} does not run")
        os.kill(pid, number)
        return pid

    def wait_ready(self, name: str = "", *, other_than: int | None = None, limit_s: float = 120) -> None:
        """Wait until ``name`` (or everything) is healthy, and with another pid than ``other_than``."""
        deadline = time.monotonic() + limit_s
        while not self._is_ready(name, other_than):
            if time.monotonic() > deadline:
                raise control.StackError(f"not ready after {limit_s:.0f} s:\n{self.run('status').stdout}")
            time.sleep(_LOOK_AGAIN_S)

    def kill_and_wait(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Kill a service and wait until its successor is healthy."""
        self.wait_ready(name, other_than=self.kill(name, number))

    @contextmanager
    def held_down(self, *names: str) -> Iterator[None]:
        """While the block runs these services are dead: the supervisor is stopped, so nobody restarts them.

        Afterwards they are healthy again, as other processes. StackError when one was there in between.
        """
        state = control.read_state(self.context)
        if state is None:
            raise control.StackError("no stack runs")
        os.kill(state.pid, signal.SIGSTOP)
        killed: dict[str, int] = {}
        try:
            self._await(lambda: psutil.Process(state.pid).status() == psutil.STATUS_STOPPED, "supervisor")
            killed = {name: self.kill(name) for name in names}
            self._await(lambda: not self._ports_held(names), f"{', '.join(names)} gone")
            yield
            if held := self._ports_held(names):
                raise control.StackError(f"not held down: somebody listens on {held}")
        finally:
            os.kill(state.pid, signal.SIGCONT)
        for name, pid in killed.items():
            self.wait_ready(name, other_than=pid)

    def _ports_held(self, names: Iterable[str]) -> list[int]:
        ports = [self.service(name).port for name in names]
        return [port for port in ports if port is not None and not processes.is_free(port)]

    def _await(self, condition: Callable[[], bool], what: str, limit_s: float = 30) -> None:
        deadline = time.monotonic() + limit_s
        while not condition():
            if time.monotonic() > deadline:
                raise control.StackError(f"{what}: not within {limit_s:.0f} s")
            time.sleep(_LOOK_AGAIN_S / 10)

    def supervision(self) -> list[int]:
        """The supervisor's process and its guard's."""
        return processes.with_open_file(self.context.layout.run / "lock")

    def left_running(self) -> set[int]:
        """Processes of this stack that still live, its supervisor included."""
        return sessions_of(self.context).leftovers() | set(self.supervision())

    def _is_ready(self, name: str, other_than: int | None) -> bool:
        state = control.read_state(self.context)
        if state is None or not control.is_running(self.context):
            return False
        if not name:
            return state.ready
        unit = state.units[name]
        return unit.state == "healthy" and unit.pid != other_than


def free_port_base() -> int:
    """A base from which on all ports of a stack are free, below the range of outgoing connections."""
    bases = [10_000 + PORTS_A_STACK * step for step in range(220)]
    for base in random.sample(bases, len(bases)):
        if all(processes.is_free(port) for port in range(base, base + PORTS_A_STACK)):
            return base
    raise control.StackError("no free range of ports below 32000")
