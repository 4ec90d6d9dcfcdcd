"""Starting, attaching to and ending the supervisor of a stack.

No socket: a lock says whether there is one, files say what it does, signals tell it what to do. What does
not belong here: waiting until the stack is ready (``deploy.waiting``).
"""

import os
import subprocess
import sys
from collections.abc import Iterable

from deploy import taken, wanted
from deploy.context import Context
from deploy.ending import Say, end_supervisor
from deploy.environment import of_role
from deploy.layout import PROJECT
from deploy.services import s3
from deploy.supervise import sessions_of
from deploy.supervisor import files, lock
from deploy.supervisor import state as state_file
from deploy.supervisor.daemon import LOCK_VARIABLE
from deploy.supervisor.state import StackState


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
    if found := list(taken.taken_ports(context)):
        raise StackError(taken.describe(context, found))


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
