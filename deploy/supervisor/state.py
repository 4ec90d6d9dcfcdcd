"""What a supervisor says about its services, in a file that anybody may read without asking it."""

from enum import StrEnum
from pathlib import Path

import msgspec

from deploy.supervisor.files import write_atomically


class State(StrEnum):
    """Of a service or a step. ``healthy`` and ``done`` are the good ends."""

    WAITING = "waiting"  # for what it needs
    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"  # runs, but its probe fails
    RESTARTING = "restarting"  # ended; is started again after a wait of at most 5 s
    BLOCKED = "blocked"  # cannot start: somebody else holds its port
    STOPPING = "stopping"
    STOPPED = "stopped"
    DONE = "done"  # a step


GOOD = frozenset({State.HEALTHY, State.DONE})


class UnitState(msgspec.Struct):
    """One service or step. ``failures`` in a row since it was last healthy, ``reason`` of the latest."""

    state: State = State.WAITING
    pid: int | None = None
    port: int | None = None
    step: bool = False
    failures: int = 0
    restarts: int = 0
    reason: str = ""


class StackState(msgspec.Struct):
    """All of them, and the supervisor that wrote it."""

    pid: int
    port_base: int
    units: dict[str, UnitState] = {}

    @property
    def ready(self) -> bool:
        return bool(self.units) and all(unit.state in GOOD for unit in self.units.values())


def write(path: Path, state: StackState) -> None:
    write_atomically(path, msgspec.json.encode(state))


def read(path: Path) -> StackState | None:
    """The state last written; None when there is none that can be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=StackState)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
