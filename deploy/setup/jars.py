"""Java archives by their Maven coordinates: `deploy/jars/NAME/` says which, `.jars/NAME/` holds them flat."""

import hashlib
import re
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path

from deploy.setup import commands
from deploy.setup.errors import SetupError
from deploy.setup.places import CACHE, JAR_SPECS, JARS, VENV

STAYS_WRONG = "run `make setup` again; if it stays, `make lock` and look at what changed before a commit."


def names() -> list[str]:
    """The sets of jars that there are."""
    return sorted(folder.name for folder in JAR_SPECS.iterdir() if (folder / "jgo.toml").is_file())


def fetch(name: str, report: Callable[[str, str], None]) -> str:
    """Resolves one set, compares every file with the lock, and puts the set in place in one move."""
    step, room = f"{name}-jars", CACHE / "jars" / name
    shutil.rmtree(room, ignore_errors=True)
    room.mkdir(parents=True)
    shutil.copy(JAR_SPECS / name / "jgo.toml", room)
    commands.run(step, [VENV / "bin" / "jgo", "--links", "copy", "sync"], cwd=room, on_line=report)
    found = {jar.name: jar for jar in (room / ".jgo").rglob("*.jar")}
    compare(step, locked((JAR_SPECS / name / "jgo.lock.toml").read_text()), found)
    _put_in_place(room / "flat", JARS / name, found)
    return f"{len(found)} jars in .jars/{name}"


def locked(lock: str) -> dict[str, str]:
    """File name → SHA-256 (hex) of every jar that a `jgo.lock.toml` lists."""
    entries = tomllib.loads(lock)["dependencies"]
    return {_file_name(entry): entry["sha256"] for entry in entries}


def compare(step: str, expected: dict[str, str], found: dict[str, Path]) -> None:
    """Raises SetupError unless exactly the locked files were found, each with its digest."""
    differing = sorted(set(expected) ^ set(found))
    if differing:
        raise SetupError(step, f"the jars differ from the lock: {', '.join(differing[:3])}.", STAYS_WRONG)
    for name, jar in found.items():
        if hashlib.sha256(jar.read_bytes()).hexdigest() != expected[name]:
            jar.unlink()
            raise SetupError(step, f"{name} has another SHA-256 than the lock promises.", STAYS_WRONG)


def lock(name: str) -> None:
    """Resolves one set anew and writes its lock, without the time of writing."""
    room = CACHE / "jars" / f"{name}-lock"
    shutil.rmtree(room, ignore_errors=True)
    room.mkdir(parents=True)
    shutil.copy(JAR_SPECS / name / "jgo.toml", room)
    commands.run("lock", [VENV / "bin" / "jgo", "--update", "--links", "copy", "lock"], cwd=room)
    text = re.sub(r"^generated = .*\n", "", (room / "jgo.lock.toml").read_text(), flags=re.MULTILINE)
    (JAR_SPECS / name / "jgo.lock.toml").write_text(text)


def _file_name(entry: dict[str, str]) -> str:
    classifier = f"-{entry['classifier']}" if entry.get("classifier") else ""
    return f"{entry['artifactId']}-{entry['version']}{classifier}.jar"


def _put_in_place(made: Path, target: Path, jars: dict[str, Path]) -> None:
    made.mkdir()
    for jar in jars.values():
        jar.rename(made / jar.name)
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(exist_ok=True)
    made.rename(target)
