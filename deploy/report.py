"""What ``mcsp status`` says, as the structs of its JSON and as a table for people."""

from collections.abc import Iterator

import msgspec

from deploy import control
from deploy.context import Context
from deploy.stack import endpoints, pages, units
from deploy.supervisor import processes
from deploy.supervisor.state import StackState, State, UnitState
from mcsp.settings import Settings, settings


class ServiceReport(msgspec.Struct, frozen=True):
    """One service."""

    state: str
    pid: int | None
    port: int | None


class Report(msgspec.Struct, frozen=True):
    """``mcsp status --json``: a fixed contract."""

    ready: bool
    endpoints: dict[str, str]
    services: dict[str, ServiceReport]


_SERVED_BY = {"pages": "api", "studio": "api", "numbers": "api", "dagster": "dagster-web"}


def observe(context: Context) -> StackState:
    """The stack as it is now: the supervisor's word, corrected where there is no supervisor or process."""
    state = control.read_state(context) if control.is_running(context) else None
    if state is None:
        names = [(unit.name, unit) for unit in units(context)]
        stopped = {
            name: UnitState(State.STOPPED, port=next(iter(getattr(unit, "ports", ())), None),
                            step=not hasattr(unit, "ports"))
            for name, unit in names
        }  # fmt: skip
        return StackState(0, context.ports.base, stopped)
    for unit in state.units.values():
        if unit.pid is not None and processes.start_ticks(unit.pid) is None:
            unit.state, unit.pid, unit.reason = State.RESTARTING, None, "it has just ended"
    return state


def report(context: Context) -> Report:
    """The contract's answer. Steps are not services: they only count towards ``ready``."""
    state = observe(context)
    services = {
        name: ServiceReport(unit.state, unit.pid, unit.port)
        for name, unit in state.units.items()
        if not unit.step
    }
    return Report(state.ready, endpoints(_actual(state)), services)


def _actual(state: StackState) -> Settings:
    """The settings with the ports that the stack really has."""
    return settings().model_copy(update={"port_base": state.port_base})


def table(state: StackState) -> Iterator[str]:
    """Lines for people."""
    width = max((len(name) for name in state.units), default=4)
    yield f"{'service':{width}}  {'state':10}  {'pid':>8}  {'port':>5}  {'restarts':>8}"
    for name, unit in state.units.items():
        pid, port = unit.pid or "", unit.port or ""
        line = f"{name:{width}}  {unit.state:10}  {pid:>8}  {port:>5}  {unit.restarts or '':>8}"
        yield f"{line}  {unit.reason}".rstrip()
    yield from _addresses(state, width)


def _addresses(state: StackState, width: int) -> Iterator[str]:
    """What a person may open now."""
    units = {name: state.units.get(server) for name, server in _SERVED_BY.items()}
    healthy = {name for name, unit in units.items() if unit and unit.state is State.HEALTHY}
    yield from (
        f"{name:{width}}  {address}" for name, address in pages(_actual(state)).items() if name in healthy
    )
