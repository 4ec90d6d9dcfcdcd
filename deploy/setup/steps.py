"""The steps of the set-up, and how each knows that it has nothing to do.

A step is done when its stamp, written last and beside what the step makes, carries the digest of all
that the step depends on. A step cut off in the middle has no stamp, so the next run does it again.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from deploy.setup import browser, environment, jars, project, web
from deploy.setup.places import (
    BROWSER,
    INSTALLED_GROUPS,
    JAR_SPECS,
    JARS,
    PYTHON,
    REQUIREMENTS,
    ROOT,
    VENV,
    WEB,
)

Report = Callable[[str, str], None]
"""Called with a step's name and a line of its output."""


@dataclass(frozen=True)
class Step:
    """``run`` makes something out of ``inputs`` (files) and ``facts`` (words), and says what it made."""

    name: str
    what: str
    stamp: Path
    inputs: tuple[Path, ...]
    run: Callable[[Report], str]
    facts: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    makes: tuple[Path, ...] = ()

    def digest(self, before: dict[str, str]) -> str:
        """SHA-256 over the contents of the inputs, the facts and the digests of the steps before it."""
        parts = [*self.facts, *(before[name] for name in self.after)]
        parts += [f"{path.name}:{hashlib.sha256(path.read_bytes()).hexdigest()}" for path in self.inputs]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def is_done(self, digest: str) -> bool:
        """Whether an earlier run made exactly this, and it is still there."""
        there = all(path.exists() for path in self.makes)
        return there and self.stamp.is_file() and self.stamp.read_text() == digest


def all_steps() -> tuple[Step, ...]:
    """Every step, in an order in which each comes after those it needs."""
    return (
        _environment(),
        _packages(),
        _project(),
        _bytecode(),
        *map(_jars, jars.names()),
        _web(),
        _browser(),
    )


def _environment() -> Step:
    return Step(
        "python",
        "making .venv",
        stamp=VENV / "environment.stamp",
        inputs=(REQUIREMENTS / "bootstrap.txt",),
        run=environment.make,
        facts=(str(ROOT),),
        makes=(PYTHON,),
    )


def _packages() -> Step:
    return Step(
        "packages",
        "installing the locked packages",
        stamp=VENV / "packages.stamp",
        inputs=tuple(REQUIREMENTS / f"{group}.txt" for group in (*INSTALLED_GROUPS, "build")),
        run=environment.install,
        after=("python",),
    )


def _bytecode() -> Step:
    return Step(
        "bytecode",
        "compiling the packages",
        stamp=VENV / "bytecode.stamp",
        inputs=(),
        run=environment.compile_all,
        after=("packages",),
    )


def _project() -> Step:
    return Step(
        "project",
        "installing MCSP itself, editable",
        stamp=VENV / "project.stamp",
        inputs=(ROOT / "pyproject.toml",),
        run=project.install,
        after=("packages",),
        makes=(VENV / "bin" / "mcsp",),
    )


def _jars(name: str) -> Step:
    folder = JAR_SPECS / name
    return Step(
        f"{name}-jars",
        f"fetching the jars of {name}",
        stamp=JARS / name / "stamp",
        inputs=(folder / "jgo.toml", folder / "jgo.lock.toml"),
        run=lambda report: jars.fetch(name, report),
    )


def _web() -> Step:
    return Step(
        "web",
        "fetching what the pages load",
        stamp=WEB / "node_modules" / "stamp",
        inputs=(WEB / "package.json", WEB / "package-lock.json"),
        run=web.fetch,
        facts=web.copied(),
        makes=web.targets(),
    )


def _browser() -> Step:
    return Step(
        "browser",
        "unpacking the test browser",
        stamp=BROWSER / "stamp",
        inputs=(),
        run=browser.unpack,
        facts=(browser.LAUNCHER,),
        after=("web",),
        makes=(BROWSER / "chrome",),
    )
