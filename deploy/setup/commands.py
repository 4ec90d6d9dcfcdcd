"""Runs the tools (pip, uv, npm, jgo): output into the step's log, last line to the progress, and a
failure turned into a sentence for the person."""

import os
import re
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from deploy.setup.errors import SetupError
from deploy.setup.places import LOGS, ROOT

KEPT_OPEN: list[int] = []
"""File descriptors that every tool inherits: the lock of the set-up, so that a tool that outlives a killed
set-up still holds it, and the next set-up waits."""

_LIVE: set[subprocess.Popen[str]] = set()
_STOPPING = threading.Event()

_CAUSES: tuple[tuple[str, str, str], ...] = (
    (
        r"no space left on device|os error 28|ENOSPC|disk quota exceeded|os error 122|EDQUOT",
        "the disk is full.",
        "free some space (about 3 GB in all), then run `make setup` again; it goes on where it stopped.",
    ),
    (
        r"dns error|failed to lookup|name resolution|name or service not known|ENOTFOUND|EAI_AGAIN"
        r"|connection refused|ECONNREFUSED|tcp connect error|timed? ?out|ETIMEDOUT|ECONNRESET"
        r"|network is unreachable|ENETUNREACH|max retries exceeded|error sending request"
        r"|failed to establish a new connection",
        "the package registry cannot be reached.",
        "check the network and the registry you configured (`pip config list`, `npm config list`), then run "
        "`make setup` again; what was fetched is kept.",
    ),
    (
        r"certificate verify failed|invalid peer certificate|unable to get local issuer|SELF_SIGNED_CERT",
        "the registry's certificate is not trusted here.",
        "name your certificate bundle (`pip config set global.cert FILE`, SSL_CERT_FILE), then run "
        "`make setup` again.",
    ),
    (
        r"hash mismatch|do not match the hashes|EINTEGRITY",
        "a download differs from what the lock file promises.",
        "run `make setup` again; if it stays, the registry serves another file than the one that was "
        "locked: report it.",
    ),
    (
        r"permission denied|EACCES|EPERM",
        "a file or folder could not be written.",
        "see which in the output named here, make it yours, then run `make setup` again.",
    ),
)


def run(
    step: str,
    argv: Sequence[str | Path],
    *,
    cwd: Path = ROOT,
    env: Mapping[str, str] | None = None,
    on_line: Callable[[str, str], None] | None = None,
) -> str:
    """Runs a tool to its end and gives its output (standard output and error together).

    The output is appended to the step's log. Raises SetupError with the cause where the tool failed.
    """
    if _STOPPING.is_set():
        raise SetupError(step, "ended because the set-up ends.", "run `make setup` again.")
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{step}.log"
    lines: list[str] = []
    with log.open("a", encoding="utf-8") as sink:
        sink.write(f"$ {' '.join(str(part) for part in argv)}\n")
        with _start(argv, cwd, {**os.environ, **(env or {})}) as process:
            _LIVE.add(process)
            assert process.stdout is not None
            for line in process.stdout:
                sink.write(line)
                lines.append(line)
                if on_line and line.strip():
                    on_line(step, line.strip())
        _LIVE.discard(process)
    if process.returncode != 0:
        raise explain(step, argv, process.returncode, "".join(lines), log)
    return "".join(lines)


def explain(step: str, argv: Sequence[str | Path], status: int, output: str, log: Path) -> SetupError:
    """The SetupError that says in one line why a tool failed."""
    name = log.relative_to(ROOT)
    for pattern, problem, next_step in _CAUSES:
        if re.search(pattern, output, re.IGNORECASE):
            return SetupError(step, problem, f"{next_step} Full output: {name}")
    ended = f"by signal {-status}" if status < 0 else f"with status {status}"
    tool = Path(str(argv[0])).name
    return SetupError(step, f"{tool} ended {ended}.", f"read {name}, then run `make setup` again.")


def stop_all() -> None:
    """Ends every tool still running and lets none start: called when the set-up itself ends early."""
    _STOPPING.set()
    for process in list(_LIVE):
        process.send_signal(signal.SIGTERM)


def _start(argv: Sequence[str | Path], cwd: Path, env: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 -- fixed argument lists, never a shell
        [str(part) for part in argv],
        cwd=cwd,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        pass_fds=KEPT_OPEN,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
