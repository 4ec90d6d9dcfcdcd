"""The life of one service: wait for what it needs, start, watch, restart, stop. Never gives up.

A service is healthy when its own process is alive *and* its probe answers: workers that outlive a killed
master would answer the probe alone.
"""

import asyncio
import signal
import time
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import structlog

from deploy.supervisor import processes
from deploy.supervisor.backoff import Backoff
from deploy.supervisor.children import Child, Launch
from deploy.supervisor.service import NotReadyError, Probe, Service, StepFailedError
from deploy.supervisor.sessions import MARK
from deploy.supervisor.state import State, UnitState
from deploy.supervisor.surroundings import Surroundings, command_runner

log = structlog.get_logger()

START_LIMIT_S = 120.0
SILENT_LIMIT_S = 60.0
"""A process that is alive but has not answered for so long is restarted. Long, for encodes starve probes."""
_WHILE_STARTING_S, _WHILE_HEALTHY_S, _PROBE_LIMIT_S = 0.1, 2.0, 10.0


class PortTakenError(StepFailedError):
    """A port the service needs is held by a process that is not ours."""


@dataclass
class Runner:
    """Runs one service. ``healthy_once``: it has been healthy; ``ended``: it is stopped for good."""

    service: Service
    around: Surroundings
    needs: list[asyncio.Event]
    state: UnitState = field(default_factory=UnitState)
    healthy_once: asyncio.Event = field(default_factory=asyncio.Event)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    backoff: Backoff = field(default_factory=Backoff)

    async def run(self) -> None:
        """Until ``stopping`` is set."""
        try:
            for need in self.needs:
                await self._unless_stopping(need.wait())
            while not self.stopping.is_set():
                await self._one_life()
                if not self.stopping.is_set():
                    await self._unless_stopping(asyncio.sleep(self._note_failure()))
        finally:
            self._report(State.STOPPED, pid=None)
            self.ended.set()

    async def _one_life(self) -> None:
        child: Child | None = None
        self._report(State.STARTING, pid=None)
        try:
            child = await self._start()
            await self._until_healthy(child)
            await self._while_alive(child)
        except PortTakenError as error:
            self._report(State.BLOCKED, reason=str(error))
        except StepFailedError as error:
            self._report(State.RESTARTING, reason=str(error))
        except Exception as error:  # a full disk, a fault in a definition: shown, and tried again
            log.exception("a start failed in an unforeseen way", service=self.service.name)
            self._report(State.RESTARTING, reason=f"{type(error).__name__}: {error}")
        finally:
            if child is not None:
                await self._end(child)

    async def _start(self) -> Child:
        for port in self.service.ports:
            _check_free(port)
        if self.service.prepare is not None:
            await self.service.prepare(command_runner(self.service.name, self.around))
        child = self.around.children.spawn(self._launch(self.service.command))
        self.around.sessions.add(self.service.name, child.pid)
        self._report(State.STARTING, pid=child.pid)
        return child

    async def _until_healthy(self, child: Child) -> None:
        limit = time.monotonic() + START_LIMIT_S
        while not self.stopping.is_set():
            reason = await self._ask(self.service.ready, child)
            if reason is None:
                self.state.failures = 0
                self._report(State.HEALTHY, reason="")
                self.backoff.healthy()
                self.healthy_once.set()
                return
            if time.monotonic() > limit:
                raise StepFailedError(f"not ready after {START_LIMIT_S:.0f} s: {reason}")
            self._report(State.STARTING, reason=reason)
            await self._exit_or_pause(child, _WHILE_STARTING_S)

    async def _while_alive(self, child: Child) -> None:
        probe, answered = self.service.alive or self.service.ready, time.monotonic()
        while not self.stopping.is_set():
            await self._exit_or_pause(child, _WHILE_HEALTHY_S)
            reason = await self._ask(probe, child)
            if reason is None:
                answered = time.monotonic()
                self.backoff.healthy()
                self._report(State.HEALTHY, reason="")
            elif time.monotonic() - answered > SILENT_LIMIT_S:
                raise StepFailedError(f"alive, but did not answer for {SILENT_LIMIT_S:.0f} s: {reason}")
            else:
                self._report(State.UNHEALTHY, reason=reason)

    async def _ask(self, probe: Probe, child: Child) -> str | None:
        """None when healthy, else why not. Raises StepFailedError when the process has ended."""
        try:
            await self._unless_ended(asyncio.wait_for(probe(), _PROBE_LIMIT_S), child)
        except NotReadyError as error:
            return str(error)
        except StepFailedError:
            raise
        except TimeoutError:
            return f"its probe got no answer within {_PROBE_LIMIT_S:.0f} s"
        except Exception as error:  # whatever a probe trips over, the service is not known to be well
            return f"its probe failed: {type(error).__name__}: {error}"
        return "stopping" if self.stopping.is_set() else None

    async def _exit_or_pause(self, child: Child, pause_s: float) -> None:
        await self._unless_ended(asyncio.sleep(pause_s), child)

    async def _unless_ended(self, work: Coroutine[Any, Any, Any], child: Child) -> None:
        """Do ``work`` until the process ends (raises StepFailedError) or is to be stopped."""
        await self._unless_stopping(work, child.exited)
        if child.exited.done() and not self.stopping.is_set():
            raise StepFailedError(f"ended with {child.exited.result()}")

    async def _unless_stopping(
        self, work: Coroutine[Any, Any, Any], also: asyncio.Future[int] | None = None
    ) -> None:
        task, stop = asyncio.ensure_future(work), asyncio.ensure_future(self.stopping.wait())
        try:
            await asyncio.wait({task, stop, *([also] if also else [])}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                task.result()
        finally:
            task.cancel()
            stop.cancel()
            await asyncio.gather(task, stop, return_exceptions=True)

    async def _end(self, child: Child) -> None:
        """End the process and all of its session: politely when we are stopping, at once otherwise."""
        if not child.exited.done() and self.stopping.is_set():
            self._report(State.STOPPING)
            processes.signal_all([child.pid], self.service.stop_signal)
            await asyncio.wait([child.exited], timeout=self.service.grace_s)
        processes.signal_all(child.session(), signal.SIGKILL)
        await child.exited
        processes.signal_all(self.around.children.orphans(), signal.SIGKILL)
        self.state.pid = None

    def _note_failure(self) -> float:
        wait = self.backoff.next_wait_s()
        self.state.failures += 1
        self.state.restarts += 1
        state = State.BLOCKED if self.state.state is State.BLOCKED else State.RESTARTING
        self._report(state)
        log.warning("restart", service=self.service.name, reason=self.state.reason, wait_s=wait)
        return wait

    def _report(self, state: State, **changes: Any) -> None:
        before = (self.state.state, self.state.pid, self.state.reason)
        self.state.state = state
        for name, value in changes.items():
            setattr(self.state, name, value)
        if before != (self.state.state, self.state.pid, self.state.reason):
            self.around.changed()

    def _launch(self, command: tuple[str, ...]) -> Launch:
        return Launch(
            command,
            {**self.service.environment, MARK: str(self.around.home)},
            self.around.log_of(self.service.name),
            self.service.folder or self.around.home,
            self.service.death_signal,
            self.service.named_user,
        )


def _check_free(port: int) -> None:
    if not processes.is_free(port):
        raise PortTakenError(f"port {port} is held by {processes.port_holder(port)}")
