"""Whatever a room imports, the group that the room is installed with names.

A package that comes only because another one needs it goes when that one stops needing it. What does not
belong here: whether the locks hold what the groups name (`tests/deploy/setup/test_locks.py`).
"""

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib import metadata, util
from pathlib import Path

import pytest

from .test_house_rules import ROOMS, ROOT, modules

OURS = (*ROOMS, "tests", "bench")
LAPTOP = ("api", "worker", "pipelines", "warehouse", "dev")
GROUPS = {
    "mcsp": ("kernel",),
    "media_ops": ("worker",),
    "streaming_api": ("api",),
    "warehouse": ("warehouse",),
    "assets": ("pipelines",),
    "orchestration": ("pipelines",),
    "deploy": ("dev",),
    "tests": LAPTOP,
    "bench": LAPTOP,
}
"""Room → the groups of which one at least has to name what the room imports."""


def canonical(name: str) -> str:
    """A distribution's name as registries compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def named(group: str) -> set[str]:
    """Distributions in a group's `.in` file and in those that it includes."""
    names: set[str] = set()
    for line in (ROOT / "requirements" / f"{group}.in").read_text().splitlines():
        if line.startswith("-r "):
            names |= named(line[3:].removesuffix(".in"))
        elif line and not line.startswith("#"):
            names.add(canonical(re.split(r"[\[=<>~! ]", line)[0]))
    return names


def imports(tree: ast.Module) -> Iterator[str]:
    """Dotted names that a module imports, wherever in it; of `from a import b` that is `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def third_party(names: Iterable[str]) -> set[str]:
    return {name for name in names if name.partition(".")[0] not in {*sys.stdlib_module_names, *OURS}}


@cache
def distributions() -> Mapping[str, list[str]]:
    """Top-level module → the installed distributions that have a part of it."""
    return metadata.packages_distributions()


@cache
def files_of(distribution: str) -> frozenset[str]:
    return frozenset(str(file) for file in metadata.files(distribution) or ())


def providers(name: str) -> set[str]:
    """The installed distributions that the dotted name comes from; one, but for names nobody knows."""
    shared = set(distributions().get(name.partition(".")[0], ()))
    path = name.replace(".", "/")
    while len(shared) > 1 and path:
        owners = {d for d in shared if {f"{path}.py", f"{path}/__init__.py"} & files_of(d)}
        if owners:
            return {canonical(owner) for owner in owners}
        path = path.rpartition("/")[0]
    return {canonical(owner) for owner in shared}


def unnamed(names: Iterable[str], known: set[str]) -> set[str]:
    return {name for name in third_party(names) if not providers(name) & known}


def known_in(room: str) -> set[str]:
    return set().union(*(named(group) for group in GROUPS[room]))


@pytest.mark.parametrize("room", GROUPS)
def test_what_a_room_imports_is_named_in_its_group(room: str) -> None:
    missing = {
        f"{path.relative_to(ROOT)}: {name}"
        for path, tree in modules(room)
        for name in unnamed(imports(tree), known_in(room))
    }
    assert missing == set()


def our_file(name: str) -> Path | None:
    """The file of a dotted name of ours; of `a.b` where b is no module, that of `a`."""
    if name.partition(".")[0] not in OURS:
        return None
    path = ROOT / name.replace(".", "/")
    found = [file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()]
    return found[0] if found else our_file(name.rpartition(".")[0])


def reached_from(room: str) -> Iterator[tuple[Path, ast.Module]]:
    """The room's modules and those of other rooms that they import, through whatever is between."""
    waiting, seen = list(modules(room)), set[Path]()
    while waiting:
        path, tree = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        yield path, tree
        ours = {file for name in imports(tree) if (file := our_file(name))}
        waiting += [(file, ast.parse(file.read_text())) for file in ours - seen]


@pytest.mark.parametrize("room", ["media_ops", "streaming_api", "warehouse", "orchestration"])
def test_a_group_alone_carries_its_room_and_what_that_reaches(room: str) -> None:
    missing = {
        f"{path.relative_to(ROOT)}: {name}"
        for path, tree in reached_from(room)
        for name in unnamed(imports(tree), known_in(room))
    }
    assert missing == set()


def test_a_package_that_only_another_one_brings_is_found() -> None:
    tree = ast.parse("import json\nfrom opentelemetry import trace\nfrom pydantic_core import to_json")
    assert util.find_spec("pydantic_core")
    found = unnamed(imports(tree), named("kernel"))
    assert found == {"pydantic_core.to_json"}
    assert unnamed(imports(tree), named("kernel") - {"opentelemetry-api"}) == found | {"opentelemetry.trace"}
