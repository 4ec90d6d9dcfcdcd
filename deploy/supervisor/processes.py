"""Looking at and ending processes by session: who is still there, and is it really the one we started.

A process is known by its pid and its start time (clock ticks since boot), for pids are used again.
"""

import os
import select
import signal
import socket
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil

from deploy.ports import HOST


def start_ticks(pid: int) -> int | None:
    """When a process was started, in clock ticks since boot; None when it is gone or a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in ("Z", "X") else int(fields[19])


def boot_id() -> str:
    """Changes when the machine starts anew, and with it the meaning of ticks and pids."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def own_children() -> list[int]:
    """Children of this process, adopted orphans included."""
    lists = list(Path("/proc/self/task").glob("*/children"))
    if not lists:  # a kernel without CONFIG_PROC_CHILDREN: look through all processes
        return [child.pid for child in psutil.Process().children()]
    return [int(pid) for path in lists for pid in path.read_text().split()]


def of_session(session: int, *, not_before: int = 0) -> Iterator[int]:
    """Living processes of a session that were started at ``not_before`` ticks or later."""
    for pid in psutil.pids():
        try:
            belongs = os.getsid(pid) == session
        except (ProcessLookupError, PermissionError):
            continue
        ticks = start_ticks(pid) if belongs else None
        if ticks is not None and ticks >= not_before:
            yield pid


def with_environment(name: str, value: str) -> Iterator[int]:
    """Living processes of this user that were started with ``name=value`` in their environment."""
    wanted = f"{name}={value}".encode()
    for pid in psutil.pids():
        try:
            variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if wanted in variables and start_ticks(pid) is not None:
            yield pid


def working_in(folder: Path) -> Iterator[int]:
    """Living processes whose working folder is ``folder``."""
    for pid in psutil.pids():
        if working_folder(pid) == folder and start_ticks(pid) is not None:
            yield pid


def working_folder(pid: int) -> Path | None:
    """Where a process works; None where it is gone or this user may not look."""
    try:
        return Path(f"/proc/{pid}/cwd").readlink()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None


def with_open_file(path: Path) -> list[int]:
    """Other living processes of this user that have ``path`` open."""
    return [pid for pid in psutil.pids() if pid != os.getpid() and _has_open(pid, str(path))]


def _has_open(pid: int, path: str) -> bool:
    try:
        return any(os.readlink(entry.path) == path for entry in os.scandir(f"/proc/{pid}/fd"))  # noqa: PTH115 -- cheaper by far
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False


def signal_all(pids: Iterable[int], number: signal.Signals) -> list[int]:
    """Send a signal to each; gives those that were there to get it."""
    reached = []
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
        reached.append(pid)
    return reached


def wait_until_gone(pids: Iterable[int], limit_s: float) -> None:
    """Wait until the processes have ended, at most ``limit_s`` seconds in all."""
    deadline = time.monotonic() + limit_s
    for pid in pids:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        select.select([descriptor], [], [], max(deadline - time.monotonic(), 0))
        os.close(descriptor)


def is_free(port: int) -> bool:
    """Whether a server can listen on a loopback port now."""
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((HOST, port))
        except OSError:
            return False
        return True


def listeners(port: int) -> set[int]:
    """Processes that listen on a port, as far as this user may see."""
    return {
        connection.pid
        for connection in psutil.net_connections("tcp")
        if connection.pid and connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,)
    }


def port_holder(port: int) -> str:
    """Who listens on a port, for people: ``pid 123 (nginx)``."""
    names = []
    for pid in sorted(listeners(port)):
        try:
            names.append(f"pid {pid} ({psutil.Process(pid).name()})")
        except psutil.NoSuchProcess:
            continue
    return ", ".join(names) or "a process of another user, or by a connection that is just closing"
