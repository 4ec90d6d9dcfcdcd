"""The facts about a machine that a figure means nothing without."""

import platform
import subprocess
from pathlib import Path

import msgspec
import psutil

ROOT = Path(__file__).resolve().parents[1]


class Machine(msgspec.Struct, frozen=True):
    """Cores, memory (GiB), processor, and the revision that was measured (``+`` where it was changed)."""

    cores: int
    memory_gib: float
    processor: str
    revision: str

    def line(self) -> str:
        """For a caption."""
        return f"{self.cores} cores, {self.memory_gib:.0f} GiB, {self.processor} · {self.revision}"


def this_machine() -> Machine:
    """The machine that this runs on."""
    memory = psutil.virtual_memory().total / 2**30
    return Machine(psutil.cpu_count() or 0, round(memory, 1), _processor(), _revision())


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _revision() -> str:
    """The commit's short name, or ``unknown`` outside a git checkout."""
    try:
        commit = _git("rev-parse", "--short", "HEAD").strip()
        changed = _git("status", "--porcelain", "--untracked-files=no").strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit + ("+" if changed else "")


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603 -- fixed words
