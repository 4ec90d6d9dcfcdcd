"""Where things lie under ``MCSP_HOME``. What does not belong here: what is written into them."""

import hashlib
import os
import stat
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
"""The folder that holds the rooms: the checkout, or ``site-packages`` of an installed wheel."""

_LONGEST_SOCKET_FOLDER = 60
"""A Unix socket's path ends at 107 bytes; names of sockets put into the folder take up to 45."""


@dataclass(frozen=True)
class Layout:
    """Folders of one stack. ``home`` is absolute."""

    home: Path

    @classmethod
    def of(cls, home: Path) -> "Layout":
        return cls(home.expanduser().resolve())

    @property
    def run(self) -> Path:
        """What a running stack leaves: its lock, its state, its sessions, rendered configurations."""
        return self.home / "run"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def secrets(self) -> Path:
        return self.home / "secrets"

    def data(self, service: str) -> Path:
        """The folder a server keeps its data in; ``mcsp down`` leaves it alone."""
        return self.home / "data" / service

    def make_data(self, service: str) -> Path:
        """Create that folder, closed to everybody else: it holds what creators uploaded."""
        folder = self.data(service)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def log(self, service: str) -> Path:
        return self.logs / f"{service}.log"

    @cached_property
    def sockets(self) -> Path:
        """A folder whose path is short enough for Unix sockets: under the home, else under /tmp."""
        inside = self.home / "tmp"
        if len(str(inside)) <= _LONGEST_SOCKET_FOLDER:
            return inside
        digest = hashlib.sha256(str(self.home).encode()).hexdigest()[:12]
        return Path("/tmp") / f"mcsp-{os.getuid()}-{digest}"  # noqa: S108 -- made 0700, its owner is checked

    def make(self) -> None:
        """Create the folders. Raises PermissionError when the socket folder belongs to somebody else."""
        for folder in (self.home, self.run, self.logs, self.home / "data"):
            folder.mkdir(parents=True, exist_ok=True)
        for folder in (self.secrets, self.sockets):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = self.sockets.lstat()
        if found.st_uid != os.getuid() or not stat.S_ISDIR(found.st_mode):
            raise PermissionError(
                f"{self.sockets} belongs to another user: remove it, or choose a shorter MCSP_HOME"
            )
