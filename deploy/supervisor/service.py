"""What the supervisor is told about a service or a step. What does not belong here: how it is run."""

import errno
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

Probe = Callable[[], Awaitable[None]]
"""Returns when the server does its work; raises NotReadyError with the reason when it does not (yet)."""


class NotReadyError(Exception):
    """A probe's answer: not (yet) at work, and why."""

    @classmethod
    def of(cls, error: Exception) -> "NotReadyError":
        """What a client's error means to people: a port nobody listens on is an ordinary part of a start."""
        cause: BaseException | None = error
        while cause is not None:
            if (
                isinstance(cause, ConnectionRefusedError)
                or getattr(cause, "errno", None) == errno.ECONNREFUSED
            ):
                return cls("not listening yet")
            cause = cause.__cause__ or cause.__context__
        return cls(str(error) or type(error).__name__)


class StepFailedError(Exception):
    """A step or a preparation did not come to its end; the message says what happened."""


class RunCommand(Protocol):
    """Runs a helper command to its end in a session of its own; raises StepFailedError unless it exits 0."""

    async def __call__(
        self, command: tuple[str, ...], environment: Mapping[str, str], *, named_user: bool = False
    ) -> None: ...


Action = Callable[[RunCommand], Awaitable[None]]


@dataclass(frozen=True)
class Service:
    """A process that runs for good.

    ``ready`` decides when dependents may start, ``alive`` (the same unless given) whether it still works.
    ``ports[0]`` is the one shown; all are checked before a start. ``prepare`` runs before each start. After
    ``stop_signal`` it has ``grace_s`` seconds, then its whole session is killed.
    """

    name: str
    command: tuple[str, ...]
    ready: Probe
    environment: Mapping[str, str] = field(default_factory=dict)
    alive: Probe | None = None
    needs: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    prepare: Action | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGTERM
    """What it gets when the supervisor is killed."""
    grace_s: float = 10.0
    named_user: bool = False
    """It refuses to run as root or as a user without a name, and appears as another one then."""
    folder: Path | None = None
    """Working folder; processes of the service found there without a parent count as left over."""


@dataclass(frozen=True)
class Step:
    """Work that is done once at each start of the stack; repeating it must be harmless."""

    name: str
    action: Action
    needs: tuple[str, ...] = ()


Unit = Service | Step
