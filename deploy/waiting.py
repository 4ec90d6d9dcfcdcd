"""Waiting until a stack is ready, and saying what keeps it from that.

What does not belong here: starting and ending it (``deploy.control``).
"""

import time
from collections.abc import Callable, Mapping

from deploy import taken, wanted
from deploy.context import Context
from deploy.control import StackError, is_running, read_state
from deploy.supervisor import files
from deploy.supervisor.state import GOOD, State, UnitState

READY_LIMIT_S = 180.0
_LOOK_AGAIN_S = 0.1
FAILURES_THAT_COUNT = 3
"""So many failed starts in a row are a failure of ``up --wait``; the supervisor itself goes on trying."""

Tell = Callable[[str, UnitState], None]
"""Hears of a service's or step's change."""


def wait_ready(context: Context, limit_s: float, tell: Tell) -> None:
    """Wait until all that is wanted is healthy; ``tell`` hears of each change. Raises StackError."""
    deadline, told = time.monotonic() + limit_s, {}
    expected = {unit.name for unit in wanted.units_wanted(context)}
    while True:
        state = read_state(context)
        units = state.units if state else {}
        for name, unit in units.items():
            if told.get(name) != unit.state:
                told[name] = unit.state
                tell(name, unit)
        if expected <= units.keys() and all(unit.state in GOOD for unit in units.values()):
            return
        _raise_failures(context, units)
        if not is_running(context):
            raise StackError(f"the supervisor has ended: see {context.layout.log('supervisor')}")
        if time.monotonic() > deadline:
            raise StackError(_describe_late(context, units, limit_s))
        time.sleep(_LOOK_AGAIN_S)


def _raise_failures(context: Context, units: Mapping[str, UnitState]) -> None:
    for name, unit in units.items():
        if unit.state is State.BLOCKED:
            raise StackError(f"{name} cannot start: {unit.reason}. {taken.HINT}")
        if unit.failures >= FAILURES_THAT_COUNT and unit.state not in GOOD:
            raise StackError(_describe_failure(context, name, unit))


def _describe_failure(context: Context, name: str, unit: UnitState) -> str:
    lines = files.last_lines(context.layout.log(name), 8)
    shown = "".join(f"\n    {line}" for line in lines)
    return (
        f"{name} does not start ({unit.failures} tries): {unit.reason}\n"
        f"  last lines of {context.layout.log(name)}:{shown}\n"
        "  The supervisor goes on trying. Look with `mcsp doctor`, end it with `mcsp down`."
    )


def _describe_late(context: Context, units: Mapping[str, UnitState], limit_s: float) -> str:
    late = [f"{name} ({unit.state}: {unit.reason or 'no reason yet'})" for name, unit in units.items()
            if unit.state not in GOOD]  # fmt: skip
    return (
        f"not ready after {limit_s:.0f} s: {', '.join(late) or 'the supervisor says nothing'}. "
        f"Logs are in {context.layout.logs}; `mcsp status` shows how it goes on, "
        f"`mcsp doctor` looks for causes."
    )
