"""A PostgreSQL server for the ledger's tests alone, with the roles of the database `content` and its schemas.

What does not belong here: the whole stack (fixture ``stack`` of ``tests/conftest.py``); SQL is tested
against this one because it starts in a second.
"""

import asyncio
import ctypes
import os
import signal
import socket
import subprocess
from pathlib import Path

import asyncpg

from deploy import programs
from deploy.services import databases
from mcsp.database.migrations import OWNERS, migrate

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
ROLES = databases.ROLES["content"]


def free_port() -> int:
    """A loopback port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _as_ordinary_user() -> None:
    """In the child: PostgreSQL refuses to run as root, so it sees itself as user 1000 (user namespace)."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare(CLONE_NEWUSER)")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text("1000 0 1")
    Path("/proc/self/gid_map").write_text("1000 0 1")


def _before_exec() -> None:
    """In the child: another user where we are root, and a death signal for when we are gone."""
    if os.geteuid() == 0:
        _as_ordinary_user()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT, 0, 0, 0)


async def _answers(dsn: str) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                connection = await asyncpg.connect(dsn)
            except (OSError, asyncpg.CannotConnectNowError):
                await asyncio.sleep(0.05)
            else:
                return await connection.close()


class Server:
    """One server under ``folder``; ``restart`` keeps the data."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self._run("initdb", "-U", "mcsp", "-E", "UTF8", "--locale=C.UTF-8", "--auth=trust", "--no-sync")

    def _run(self, program: str, *arguments: str) -> None:
        command = [programs.postgres(program), "-D", str(self.folder), *arguments]
        subprocess.run(command, check=True, capture_output=True, preexec_fn=_before_exec)

    def start(self) -> None:
        """Start as a child that ends with us, however we end; returns once it answers."""
        options = ("listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=off")
        flags = [word for option in options for word in ("-c", option)]
        self._process = subprocess.Popen(
            [programs.postgres("postgres"), "-D", str(self.folder), "-p", str(self.port), *flags],
            preexec_fn=_before_exec, stdout=subprocess.DEVNULL, stderr=(self.folder / "log").open("ab"),
        )  # fmt: skip
        asyncio.run(_answers(self.dsn("mcsp", "postgres")))

    def stop(self) -> None:
        """End at once; the data stays."""
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait()

    def dsn(self, role: str, database: str) -> str:
        return f"postgresql://{role}@127.0.0.1:{self.port}/{database}"


async def make_database(server: Server, name: str) -> None:
    """A database with all roles, schemas and migrations of `content` that are there."""
    admin = await asyncpg.connect(server.dsn("mcsp", "postgres"))
    for role in ROLES:
        if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", role):
            await admin.execute(f'CREATE ROLE "{role}" LOGIN')
    await admin.execute(f'CREATE DATABASE "{name}"')
    await admin.close()
    owner = await asyncpg.connect(server.dsn("mcsp", name))
    owners = [one for one in OWNERS if one.database == "content"]
    for role in (one.name for one in owners):
        await owner.execute(f'CREATE SCHEMA "{role}" AUTHORIZATION "{role}"')
    for one in owners:
        await migrate(owner, one)
    await owner.close()
