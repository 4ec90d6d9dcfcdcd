"""Checks of the machine before any work: interpreter, platform, free space."""

import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from deploy.setup.errors import SetupError
from deploy.setup.places import ROOT, VENV

NEEDED_BYTES = 3 * 10**9
"""Free space for a first set-up: environment, jars, web packages and browser take 2.0 GB (2026-11; the
environment shares its files with uv's cache); the rest is room for downloads and the first stack."""


def check_interpreter() -> None:
    """Raises SetupError unless this is Python 3.11 with what it takes to make an environment."""
    if sys.version_info[:2] != (3, 11):
        raise SetupError(
            "python",
            f"MCSP needs Python 3.11, and {sys.executable} is {platform.python_version()}.",
            "make setup PYTHON=/path/to/python3.11",
        )
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        raise SetupError(
            "python",
            f"{sys.executable} comes without the modules venv and ensurepip.",
            "install them (on Debian and Ubuntu: apt install python3.11-venv), then run `make setup` again.",
        )


def check_platform() -> None:
    """Raises SetupError where the servers' wheels do not exist: they are built for Linux on x86-64."""
    system, machine = platform.system(), platform.machine()
    if (system, machine) != ("Linux", "x86_64") or platform.libc_ver()[0] != "glibc":
        raise SetupError(
            "machine",
            f"the servers are built for Linux x86-64 with glibc, and this is {system} {machine}.",
            "use such a machine, or a virtual machine of that kind.",
        )


def check_space(free_bytes: Callable[[Path], int] | None = None) -> None:
    """Raises SetupError when a first set-up would not fit on the disk."""
    if VENV.exists():
        return
    free = (free_bytes or _free_bytes)(ROOT)
    if free < NEEDED_BYTES:
        raise SetupError(
            "disk",
            f"{free / 1e9:.1f} GB are free under {ROOT}, and set-up needs {NEEDED_BYTES / 1e9:.0f} GB.",
            "free some space or clone to a larger disk, then run `make setup` again.",
        )


def check_folder() -> None:
    """Raises SetupError when the working tree cannot be written, or `.venv` is somebody else's."""
    if VENV.is_symlink():
        raise SetupError(
            "python",
            f".venv is a link to {VENV.readlink()}, and the set-up would empty that.",
            "rm .venv, then run `make setup` again.",
        )
    if not os.access(ROOT, os.W_OK):
        raise SetupError("disk", f"{ROOT} cannot be written by you.", "clone to a folder of your own.")


def _free_bytes(path: Path) -> int:
    return shutil.disk_usage(path).free
