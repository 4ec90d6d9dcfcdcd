"""Ports that the wanted services need and somebody else holds: which, who holds them, what to do about it.

What does not belong here: the ports themselves (``deploy.ports``), and what is done once one is taken.
"""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from pathlib import Path

from deploy import wanted
from deploy.context import Context
from deploy.stack import units
from deploy.supervisor import processes
from deploy.supervisor.service import Service, Unit

HINT = "Free it, or set MCSP_PORT_BASE to another range."
_STEP, _LAST = 100, 32_000
"""Ranges are tried in steps of a stack's size, below the ports of outgoing connections."""


@dataclass(frozen=True)
class TakenPort:
    """A port, the service that needs it, who holds it (for people), and the stack that is part of if any."""

    port: int
    service: str
    holder: str
    home: Path | None = None


def taken_ports(context: Context, ours: Set[int] = frozenset()) -> Iterator[TakenPort]:
    """Ports of wanted services that a process other than ``ours`` holds."""
    for service, port in _ports(wanted.units_wanted(context)):
        if processes.is_free(port):
            continue
        holders = processes.listeners(port)
        if not holders & ours:
            homes = {home for pid in holders if (home := _home_of(pid))}
            yield TakenPort(port, service, processes.port_holder(port), min(homes, default=None))


def _home_of(pid: int) -> Path | None:
    """The home of the stack that a process works in: servers that write over their own environment, as
    Valkey and PostgreSQL do for their titles, still stand in their folder."""
    folder = processes.working_folder(pid)
    above = (folder, *folder.parents) if folder else ()
    return next((home for home in above if (home / "run" / "sessions.json").exists()), None)


def describe(context: Context, taken: list[TakenPort]) -> str:
    """A headline, a line a port, and the next step."""
    width = max(len(found.service) for found in taken)
    return "\n".join(
        [
            f"{len(taken)} port{'s are' if len(taken) > 1 else ' is'} in use; nothing was started.",
            *(f"  {found.port}  {found.service:{width}}  {_who(found)}" for found in taken),
            f"Next: {_freeing(taken)}, or {_moving(context)}",
        ]
    )


def _freeing(taken: list[TakenPort]) -> str:
    homes = sorted({found.home for found in taken if found.home})
    return ", ".join(f"`MCSP_HOME={home} mcsp down`" for home in homes) or "end what holds them"


def _moving(context: Context) -> str:
    base = _free_base(context)
    if base is None:
        return "set MCSP_PORT_BASE to another range"
    return f"take a range that is free: MCSP_PORT_BASE={base}"


def _who(found: TakenPort) -> str:
    return f"held by {found.holder}" + (f", of the stack in {found.home}" if found.home else "")


def _ports(all_units: Iterable[Unit]) -> Iterator[tuple[str, int]]:
    for unit in all_units:
        for port in unit.ports if isinstance(unit, Service) else ():
            yield unit.name, port


def _free_base(context: Context) -> int | None:
    """The next base from which on all ports of a stack are free now."""
    offsets = [port - context.ports.base for _, port in _ports(units(context))]
    bases = range(context.ports.base + _STEP, _LAST, _STEP)
    return next((b for b in bases if all(processes.is_free(b + offset) for offset in offsets)), None)
