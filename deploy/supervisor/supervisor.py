"""All services of one stack together: started by dependency, in parallel; stopped in the opposite order."""

import asyncio
import signal
from collections.abc import Coroutine, Iterable, Mapping
from pathlib import Path
from typing import Any

import structlog

from deploy.supervisor import processes
from deploy.supervisor import state as state_file
from deploy.supervisor.backoff import Backoff
from deploy.supervisor.runner import Runner
from deploy.supervisor.service import Service, Step, StepFailedError, Unit
from deploy.supervisor.state import StackState, State, UnitState
from deploy.supervisor.surroundings import Surroundings, command_runner

log = structlog.get_logger()


class Supervisor:
    """Runs ``units``; writes what it knows to ``state_path`` at each change.

    What a unit needs but is not among the units counts as there.
    """

    def __init__(self, around: Surroundings, state: StackState, state_path: Path) -> None:
        self._around, self._state, self._state_path = around, state, state_path
        self._runners: dict[str, Runner] = {}
        self._done: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._needs: dict[str, tuple[str, ...]] = {}
        self._stopping = asyncio.Event()
        self._unwritten = 0

    def add(self, units: Iterable[Unit]) -> None:
        """Start what is not there yet. ``units`` are in dependency order."""
        for unit in units:
            if unit.name in self._done:
                continue
            self._needs[unit.name] = unit.needs
            needs = [self._done[name] for name in unit.needs if name in self._done]
            if isinstance(unit, Service):
                self._add_service(unit, needs)
            else:
                self._add_step(unit, needs)
        self.write_state()

    async def stop(self) -> None:
        """Stop all, what depends on others first; gives back when nothing runs."""
        self._stopping.set()
        await asyncio.gather(*(self._stop_one(name) for name in self._runners))
        await asyncio.gather(*self._tasks.values())
        self.write_state()

    def end_orphans(self) -> None:
        """Kill children whose parents died; called now and then."""
        processes.signal_all(self._around.children.orphans(), signal.SIGKILL)

    def write_state(self) -> None:
        """Write the state; where that is impossible (a full disk) supervision goes on without."""
        try:
            state_file.write(self._state_path, self._state)
        except OSError:
            self._unwritten += 1
            log.exception("the state cannot be written", times=self._unwritten)

    def _add_service(self, service: Service, needs: list[asyncio.Event]) -> None:
        runner = Runner(service, self._around, needs)
        runner.state.port = service.ports[0] if service.ports else None
        self._runners[service.name] = runner
        self._register(service.name, runner.state, runner.healthy_once, runner.run())

    def _add_step(self, step: Step, needs: list[asyncio.Event]) -> None:
        state, done = UnitState(step=True), asyncio.Event()
        self._register(step.name, state, done, self._run_step(step, needs, state, done))

    def _register(
        self, name: str, state: UnitState, done: asyncio.Event, work: Coroutine[Any, Any, None]
    ) -> None:
        self._state.units[name] = state
        self._done[name] = done
        self._tasks[name] = asyncio.create_task(work, name=name)

    async def _run_step(
        self, step: Step, needs: list[asyncio.Event], state: UnitState, done: asyncio.Event
    ) -> None:
        work = asyncio.create_task(self._repeat_step(step, needs, state))
        stop = asyncio.create_task(self._stopping.wait())
        await asyncio.wait({work, stop}, return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            work.result()
            done.set()
        for task in (work, stop):
            task.cancel()
        await asyncio.gather(work, stop, return_exceptions=True)

    async def _repeat_step(self, step: Step, needs: list[asyncio.Event], state: UnitState) -> None:
        backoff = Backoff()
        for need in needs:
            await need.wait()
        while state.state is not State.DONE:
            self._set(state, State.STARTING, state.reason)
            try:
                await step.action(command_runner(step.name, self._around))
                self._set(state, State.DONE, "")
            except (StepFailedError, OSError) as error:
                wait = backoff.next_wait_s()
                state.failures = backoff.failures
                self._set(state, State.RESTARTING, str(error))
                log.warning("step failed", step=step.name, reason=str(error), wait_s=wait)
                await asyncio.sleep(wait)

    def _set(self, state: UnitState, value: State, reason: str) -> None:
        state.state, state.reason = value, reason
        self.write_state()

    async def _stop_one(self, name: str) -> None:
        dependents = [
            runner for other, runner in self._runners.items() if name in closure(other, self._needs)
        ]
        for dependent in dependents:
            await dependent.ended.wait()
        self._runners[name].stopping.set()
        await self._runners[name].ended.wait()


def closure(name: str, needs: Mapping[str, tuple[str, ...]]) -> set[str]:
    """All that ``name`` needs, straight or through others, without itself."""
    found: set[str] = set()
    open_names = list(needs.get(name, ()))
    while open_names:
        current = open_names.pop()
        if current not in found:
            found.add(current)
            open_names.extend(needs.get(current, ()))
    return found
