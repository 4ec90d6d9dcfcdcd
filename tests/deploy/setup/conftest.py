"""What the tests of the set-up share: a bare copy of the tree, and a way to run the set-up in it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
NEEDED = ("deploy", "requirements", "Makefile", "pyproject.toml", "README.md", "mcsp")

SetUp = Callable[..., subprocess.CompletedProcess[str]]


def bare_copy(target: Path) -> Path:
    """The files that the set-up reads, as in a clone in which nothing was ever installed."""
    target.mkdir(parents=True, exist_ok=True)
    for name in NEEDED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, target / name)
    web = target / "streaming_api" / "web"
    web.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(ROOT / "streaming_api" / "web" / name, web / name)
    return target


def base_python() -> Path:
    """The Python 3.11 below any virtual environment that the tests run in."""
    return Path(sys.executable).resolve()


def run_setup(tree: Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Runs the set-up in a tree, as `make setup` does."""
    return subprocess.run(
        [base_python(), "-m", "deploy.setup"],
        cwd=tree,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A bare copy of the tree of this test's own."""
    return bare_copy(tmp_path / "tree")
