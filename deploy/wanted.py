"""Which services a stack is to run, kept in a file so that a restarted supervisor knows it too."""

from collections.abc import Iterable

import msgspec

from deploy.context import Context
from deploy.stack import names, units
from deploy.supervisor.files import write_atomically
from deploy.supervisor.service import Unit

_FILE = "wanted.json"


def write(context: Context, only: Iterable[str]) -> None:
    """Remember ``only`` (empty: everything)."""
    write_atomically(context.layout.run / _FILE, msgspec.json.encode(sorted(only)))


def read(context: Context) -> list[str]:
    """What ``write`` remembered; empty (everything) when nothing was."""
    path = context.layout.run / _FILE
    return msgspec.json.decode(path.read_bytes(), type=list[str]) if path.exists() else []


def units_wanted(context: Context) -> list[Unit]:
    """The wanted units in dependency order."""
    all_units, only = units(context), read(context)
    chosen = names(all_units, only) if only else {unit.name for unit in all_units}
    return [unit for unit in all_units if unit.name in chosen]
