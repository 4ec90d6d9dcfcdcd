"""Checks of what stands in the way of a start: ports, locks, sockets, processes that were left over."""

from collections.abc import Iterator
from pathlib import Path

import psutil

from deploy import control, taken
from deploy.context import Context
from deploy.doctor.finding import Finding
from deploy.services.s3 import foreign_sockets
from deploy.supervise import sessions_of


def check(context: Context) -> Iterator[Finding]:
    running = control.is_running(context)
    ours = sessions_of(context).leftovers() if context.layout.run.exists() else set()
    yield from _ports(context, ours)
    for path in foreign_sockets(context):
        yield Finding("socket", f"{path} belongs to another user and would stop the object store for ever",
                      "Let its owner remove it, or set MCSP_PORT_BASE to another range.")  # fmt: skip
    if ours and not running:
        names = ", ".join(map(str, sorted(ours)))
        yield Finding("left over", f"no supervisor, but these still run: {names}", "Run `mcsp down`.")
    if not running:
        yield from _lock(context.layout.data("postgres") / "postmaster.pid")


def _ports(context: Context, ours: set[int]) -> Iterator[Finding]:
    found = list(taken.taken_ports(context, ours))
    for port in found:
        seen = f"{port.service} needs it, but it is held by {port.holder}"
        yield Finding(f"port {port.port}", seen, taken.HINT)
    if not found:
        yield Finding("ports", f"{context.ports.base} and up: free, or held by this stack")


def _lock(path: Path) -> Iterator[Finding]:
    if path.exists():
        pid = int(path.read_text().split("\n", 1)[0])
        whose = "a process that is gone" if not psutil.pid_exists(pid) else f"pid {pid}"
        yield Finding("postgres lock", f"{path} names {whose}; `mcsp up` heals it")
