"""Checks of the machine: Python, disk, memory, the home, user namespaces for root."""

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

from deploy.context import Context
from deploy.doctor.finding import Finding
from deploy.supervisor import linux

LOW_DISK_BYTES = 2 * 10**9
"""Kafka, PostgreSQL and the object store preallocate; a few uploads need the rest."""
NEEDED_MEMORY_BYTES = 3 * 10**9


def check(context: Context) -> Iterator[Finding]:
    yield _python()
    yield _disk(context.layout.home)
    yield _memory()
    yield from _home(context)
    if os.geteuid() == 0:
        yield _root()


def _python() -> Finding:
    found = f"{platform.python_version()} at {sys.executable}"
    wanted = sys.version_info[:2] == (3, 11)
    return Finding("python", found, "" if wanted else "MCSP needs Python 3.11: run `make setup` with it.")


def _disk(home: Path) -> Finding:
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    low = free < LOW_DISK_BYTES
    return Finding(
        "disk", f"{free / 1e9:.1f} GB free for {home}", "Free some space, or move MCSP_HOME." if low else ""
    )


def _memory() -> Finding:
    free = psutil.virtual_memory().available
    low = free < NEEDED_MEMORY_BYTES
    step = "The stack needs about 2 GB and encodes more: end other programs." if low else ""
    return Finding("memory", f"{free / 1e9:.1f} GB available", step)


def _home(context: Context) -> Iterator[Finding]:
    home = context.layout.home
    if not home.exists():
        yield Finding("home", f"{home} is not there yet: `mcsp up` makes it")
        return
    usable = os.access(home, os.W_OK | os.X_OK)
    yield Finding(
        "home",
        str(home),
        "" if usable else "It belongs to somebody else: set MCSP_HOME to a folder of yours.",
    )
    for path in (context.layout.secrets, *context.layout.secrets.glob("*")):
        if path.exists() and path.stat().st_mode & 0o077:
            yield Finding("secrets", f"{path} can be read by others", f"Run `chmod go= {path}`.")


def _root() -> Finding:
    if not linux.becomes_nobody():
        return Finding("root", "PostgreSQL runs in a user namespace")
    return Finding("root", "user namespaces are forbidden: PostgreSQL runs as nobody")
