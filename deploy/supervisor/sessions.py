"""The record of sessions started by a supervisor, so that the next one can end what was left of them.

Written before anything else can go wrong, read by the next supervisor and by ``mcsp down``.
"""

import os
import signal
from collections.abc import Iterable
from pathlib import Path

import msgspec

from deploy.supervisor import processes
from deploy.supervisor.files import write_atomically

MARK = "MCSP_SUPERVISED_BY"
"""Environment variable of every process a supervisor starts; its value is the stack's home."""


class Session(msgspec.Struct, frozen=True):
    """A session: its leader's pid and start time."""

    service: str
    pid: int
    started_ticks: int


class _Record(msgspec.Struct):
    boot_id: str
    sessions: dict[str, Session] = {}


class Sessions:
    """The sessions of one stack, in ``path``. ``folders``: working folders that give stragglers away."""

    def __init__(self, path: Path, home: Path, folders: Iterable[Path] = ()) -> None:
        self._path, self._home, self._folders = path, home, tuple(folders)
        self._record = _Record(processes.boot_id())

    def add(self, service: str, pid: int) -> None:
        """Remember that ``service`` runs as session ``pid``."""
        self._record.sessions[service] = Session(service, pid, processes.start_ticks(pid) or 0)
        write_atomically(self._path, msgspec.json.encode(self._record))

    def leftovers(self) -> set[int]:
        """Living processes of recorded sessions, or that carry our mark, or that work in our folders."""
        found = set(processes.with_environment(MARK, str(self._home)))
        for folder in self._folders:
            found.update(processes.working_in(folder))
        for session in self._recorded():
            found.update(processes.of_session(session.pid, not_before=session.started_ticks))
        return found - {os.getpid()}

    def end_leftovers(self) -> set[int]:
        """Kill all that is left, wait until it is gone, give the pids. Data survives: servers log ahead."""
        ended: set[int] = set()
        while found := self.leftovers():
            ended |= found
            processes.signal_all(found, signal.SIGKILL)
            processes.wait_until_gone(found, limit_s=5)
        return ended

    def _recorded(self) -> list[Session]:
        if not self._path.exists():
            return []
        try:
            record = msgspec.json.decode(self._path.read_bytes(), type=_Record)
        except msgspec.DecodeError:
            return []  # cut off by a full disk: the mark in the environment still finds them
        return list(record.sessions.values()) if record.boot_id == processes.boot_id() else []
