"""Finding what rooms offer by entry point: commands (``mcsp.commands``) and duties (``mcsp.sweeps``).

An installed distribution says it in its metadata; a plain checkout says the same in ``pyproject.toml``.
"""

import tomllib
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

_PROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"


def offered(group: str) -> dict[str, EntryPoint]:
    """The entry points of a group by name."""
    found = {point.name: point for point in entry_points(group=group)}
    if found or not _PROJECT.exists():
        return found
    groups = tomllib.loads(_PROJECT.read_text())["project"].get("entry-points", {})
    return {name: EntryPoint(name, value, group) for name, value in groups.get(group, {}).items()}
