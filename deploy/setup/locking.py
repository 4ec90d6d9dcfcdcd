"""Writes the lock files: one resolution of all groups, then each group held to what it found.

Locks carry hashes and no address of any registry. Versions already locked are kept where they still
fit; `upgrade` takes the newest.
"""

import tempfile
from pathlib import Path

from deploy.setup import commands, jars, registry, web
from deploy.setup.errors import SetupError
from deploy.setup.places import LOCKED_GROUPS, REQUIREMENTS, UV

PLATFORM = "x86_64-manylinux_2_28"
HEADER = "# Locked by `make lock` from {name}.in together with every other group. Do not edit.\n"


def lock_all(*, upgrade: bool) -> None:
    """Resolves and writes every lock file. Raises SetupError where something does not resolve."""
    if not UV.exists():
        raise SetupError("lock", "the tools are not installed yet.", "run `make setup`, then `make lock`.")
    with tempfile.TemporaryDirectory() as folder:
        together = Path(folder) / "together.txt"
        _resolve_together(together, upgrade=upgrade)
        for group in LOCKED_GROUPS:
            _write(group, ["--constraints", together])
        _write("build", ["--constraints", together])
    _write("bootstrap", ["--upgrade"] if upgrade else [])
    for name in jars.names():
        jars.lock(name)
    web.lock()
    print("lock: requirements/*.txt, deploy/jars/*/jgo.lock.toml and package-lock.json are written")


def _resolve_together(target: Path, *, upgrade: bool) -> None:
    known = {pin for group in LOCKED_GROUPS for pin in _pins(REQUIREMENTS / f"{group}.txt")}
    target.write_text("\n".join(sorted(known)) + "\n")
    sources = [REQUIREMENTS / f"{group}.in" for group in LOCKED_GROUPS]
    _compile([*sources, *(["--upgrade"] if upgrade else []), "--output-file", target])


def _pins(file: Path) -> list[str]:
    lines = file.read_text().splitlines() if file.exists() else []
    return [line.rstrip(" \\") for line in lines if "==" in line and not line.startswith((" ", "#"))]


def _write(group: str, options: list[str | Path]) -> None:
    target = REQUIREMENTS / f"{group}.txt"
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "made.txt"
        made.write_text("\n".join(_pins(target)) if group == "bootstrap" else "")
        _compile([REQUIREMENTS / f"{group}.in", "--generate-hashes", *options, "--output-file", made])
        target.write_text(HEADER.format(name=group) + made.read_text())
    print(f"lock: {group}", flush=True)


def _compile(arguments: list[str | Path]) -> None:
    fixed = ["--python-version", "3.11", "--python-platform", PLATFORM]
    quiet = ["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links", "--quiet"]
    commands.run("lock", [UV, "pip", "compile", *fixed, *quiet, *arguments], env=registry.uv_environment())
