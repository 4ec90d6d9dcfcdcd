"""How long the set-up takes: with nothing changed, and in a fresh clone with the packages already fetched."""

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from bench.machine import ROOT
from bench.registry import Row, Rows, at_most, bench


@bench("Set-up")
def setup() -> Rows:
    """Seconds of wall time of `make setup`."""
    with tempfile.TemporaryDirectory(prefix="mcsp-bench-", dir=ROOT / ".cache") as folder:
        clone = Path(folder) / "clone"
        _run("git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(clone))
        first = _timed_setup(clone)
        second = _timed_setup(clone)
        size = _bytes(clone)
    return [
        Row(
            "make setup, fresh clone, caches warm",
            first,
            "s",
            note="pip's, uv's, npm's and Maven's caches filled",
        ),
        Row("make setup, nothing changed", second, "s", at_most(2)),
        Row(
            "disk taken by the fresh clone",
            size / 1e9,
            "GB",
            note="files shared with uv's cache counted in full",
        ),
    ]


def _timed_setup(clone: Path) -> float:
    began = time.monotonic()
    _run("make", "-C", str(clone), "--no-print-directory", "setup")
    return time.monotonic() - began


def _run(*command: str) -> None:
    executable = shutil.which(command[0]) or command[0]
    subprocess.run([executable, *command[1:]], check=True, stdout=subprocess.DEVNULL)  # noqa: S603 -- fixed words


def _bytes(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*"))
