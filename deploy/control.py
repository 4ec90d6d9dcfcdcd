"""Starting, attaching to, waiting for and ending the supervisor of a stack.

No socket: a lock says whether there is one, files say what it does, signals tell it what to do.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping

from deploy import wanted
from deploy.context import Context
from deploy.ending import Say, end_supervisor
from deploy.environment import of_role
from deploy.layout import PROJECT
from deploy.services import s3
from deploy.supervise import sessions_of
from deploy.supervisor import files, lock, processes
from deploy.supervisor import state as state_file
from deploy.supervisor.daemon import LOCK_VARIABLE
from deploy.supervisor.service import Service
from deploy.supervisor.state import GOOD, StackState, State, UnitState

READY_LIMIT_S = 180.0
_LOOK_AGAIN_S = 0.1
TAKEN_HINT = "Free it, or set MCSP_PORT_BASE to another range."
FAILURES_THAT_COUNT = 3
"""So many failed starts in a row are a failure of ``up --wait``; the supervisor itself goes on trying."""


Tell = Callable[[str, UnitState], None]
"""Hears of a service's or step's change."""


class StackError(Exception):
    """What the person at the command line is told; the message carries the next step."""


def is_running(context: Context) -> bool:
    """Whether a supervisor holds this stack's lock."""
    return lock.is_held(context.layout.run / "lock")


def read_state(context: Context) -> StackState | None:
    return state_file.read(context.layout.run / "state.json")


def start(context: Context, only: Iterable[str]) -> bool:
    """Make a supervisor run with the wanted services; False when one was there already (it reads them).

    Raises StackError when a port is taken or the home cannot be used.
    """
    chosen = list(only)
    try:
        context.layout.make()
    except OSError as error:
        hint = "Set MCSP_HOME to a folder of yours."
        raise StackError(f"{context.layout.home} cannot be used: {error}. {hint}") from error
    held = lock.acquire(context.layout.run / "lock")
    if held is None:
        _attach(context, chosen)
        return False
    try:
        wanted.write(context, chosen)
        sessions_of(context).end_leftovers()
        _check_ports(context)
        (context.layout.run / "state.json").unlink(missing_ok=True)
        _spawn(context, held)
    finally:
        os.close(held)
    return True


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


def stop(context: Context, say: Say, limit_s: float = 60.0) -> None:
    """End the supervisor and everything of this home, whoever was killed before; data stays.

    ``say`` hears what is ended, what has ended, and what it came to. Raises StackError, StillEndingError.
    """
    if not context.layout.run.exists():
        say(f"nothing was running in {context.layout.home}")
        return
    path, ran = context.layout.run / "lock", _as_it_ran(context)
    held = lock.acquire(path)
    supervised = held is None
    if held is None:
        end_supervisor(context.layout.run, limit_s, say)
        held = lock.acquire(path)
        if held is None:
            raise StackError("another `mcsp` command is at work on this stack: try again")
    try:
        killed = sessions_of(context).end_leftovers()
        for name in ("state.json", "sessions.json", "wanted.json"):
            (context.layout.run / name).unlink(missing_ok=True)
        for socket_file in context.layout.sockets.glob("*.sock"):
            socket_file.unlink()
        s3.remove_sockets(ran)
    finally:
        os.close(held)
    say(_came_to(context, supervised, len(killed)))


def _came_to(context: Context, supervised: bool, killed: int) -> str:
    if not supervised and not killed:
        return f"nothing was running in {context.layout.home}"
    leftovers = f" ({killed} left-over processes killed)" if killed else ""
    return f"ended; the data stays in {context.layout.home}{leftovers}"


def _as_it_ran(context: Context) -> Context:
    """The context with the port base that the stack was started with, whatever is set now."""
    state = read_state(context)
    base = context.ports.base if state is None else state.port_base
    return Context.of(context.settings.model_copy(update={"port_base": base}))


def _attach(context: Context, only: list[str]) -> None:
    state = read_state(context)
    if state is not None and state.port_base != context.ports.base:
        raise StackError(
            f"a stack of {context.layout.home} runs with MCSP_PORT_BASE={state.port_base}: "
            f"use that, or run `mcsp down` first"
        )
    before = wanted.read(context)
    wanted.write(context, {*before, *only} if before and only else ())


def _check_ports(context: Context) -> None:
    taken = []
    for unit in wanted.units_wanted(context):
        for port in unit.ports if isinstance(unit, Service) else ():
            if not processes.is_free(port):
                taken.append(f"port {port} ({unit.name}) is held by {processes.port_holder(port)}")
    if taken:
        raise StackError("; ".join(taken) + f". {TAKEN_HINT}")


def _spawn(context: Context, held: int) -> None:
    log_path = context.layout.log("supervisor")
    files.rotate(log_path)
    variables = {
        **context.base_environment(),
        **of_role(context, "supervisor"),
        "PYTHONPATH": str(PROJECT),
        LOCK_VARIABLE: str(held),
    }
    with log_path.open("ab") as log:
        subprocess.Popen(
            (sys.executable, "-m", "deploy.supervisor.daemon"),
            env=variables, cwd=context.layout.home, stdin=subprocess.DEVNULL, stdout=log,
            stderr=subprocess.STDOUT, start_new_session=True, pass_fds=(held,),
        )  # fmt: skip


def _raise_failures(context: Context, units: Mapping[str, UnitState]) -> None:
    for name, unit in units.items():
        if unit.state is State.BLOCKED:
            raise StackError(f"{name} cannot start: {unit.reason}. {TAKEN_HINT}")
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
