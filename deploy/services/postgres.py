"""PostgreSQL. Databases, roles and schemas are made by ``deploy.services.databases``."""

import os
import shutil
import signal
from functools import partial
from pathlib import Path

import asyncpg
import psutil

from deploy import programs
from deploy.context import Context
from deploy.ports import HOST
from deploy.supervisor import linux
from deploy.supervisor.files import write_atomically
from deploy.supervisor.service import NotReadyError, RunCommand, Service, StepFailedError

SUPERUSER = "mcsp"


def dsn(context: Context, role: str, database: str) -> str:
    """The DSN of a role. The superuser's is for bootstrap and migrations alone."""
    password = context.credentials.password(f"postgres-{role}")
    return f"postgresql://{role}:{password}@{HOST}:{context.ports.postgres}/{database}"


def service(context: Context) -> Service:
    """One server for all databases; ready when one can log in and it is not recovering."""
    data = context.layout.data("postgres")
    settings = {
        "listen_addresses": HOST,
        "unix_socket_directories": "",
        "max_connections": "200",
        "shared_buffers": "64MB",
        "timezone": "UTC",
    }
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return Service(
        name="postgres",
        command=(programs.postgres("postgres"), "-D", str(data), "-p", str(context.ports.postgres), *options),
        environment=context.base_environment(),
        ready=partial(_probe, dsn(context, SUPERUSER, "postgres")),
        ports=(context.ports.postgres,),
        prepare=partial(_prepare, context),
        stop_signal=signal.SIGINT,
        death_signal=signal.SIGINT,
        named_user=True,
        folder=data,
    )


async def _probe(address: str) -> None:
    try:
        connection = await asyncpg.connect(address, timeout=5)
        try:
            if await connection.fetchval("SELECT pg_is_in_recovery()"):
                raise NotReadyError("it is recovering")
        finally:
            await connection.close(timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise NotReadyError.of(error) from error


async def _prepare(context: Context, run: RunCommand) -> None:
    data = context.layout.data("postgres")
    if data.exists():
        _heal_pid_file(data / "postmaster.pid")
        _hand_over(data)
        return
    draft = data.with_name("postgres.new")  # what a first start that was cut off leaves
    shutil.rmtree(draft, ignore_errors=True)
    password = _readable_password(context)
    draft.mkdir(mode=0o700)
    _hand_over(draft)
    await run(
        (programs.postgres("initdb"), "-D", str(draft), "-U", SUPERUSER, "-E", "UTF8", "--locale=C.UTF-8",
         "--auth-local=trust", "--auth-host=scram-sha-256", "--no-sync",
         f"--pwfile={password}"),
        context.base_environment(),
        named_user=True,
    )  # fmt: skip
    password.unlink()
    draft.rename(data)


def _readable_password(context: Context) -> Path:
    """A copy that initdb can read whoever it runs as; removed when it is done."""
    path = context.layout.data("postgres.password")
    write_atomically(path, context.credentials.password(f"postgres-{SUPERUSER}").encode(), mode=0o600)
    _hand_over(path)
    return path


def _hand_over(path: Path) -> None:
    """Let ``path`` belong to the user the server will run as (root alone has a choice)."""
    owner = linux.NOBODY if linux.becomes_nobody() else os.geteuid()
    if path.stat().st_uid != owner:
        for found in (path, *path.rglob("*")):
            os.chown(found, owner, owner, follow_symlinks=False)
    if not linux.becomes_nobody():
        return
    closed = [folder for folder in path.parents if not folder.stat().st_mode & 0o001]
    if closed:
        raise StepFailedError(
            f"PostgreSQL cannot run as root, user namespaces are forbidden here, and {closed[-1]} is closed "
            f"to others: set MCSP_HOME to a folder everybody may enter, or start as an ordinary user"
        )


def _heal_pid_file(path: Path) -> None:
    """Remove the lock of a server that is gone, or whose pid now belongs to something else."""
    try:
        process = psutil.Process(int(path.read_text().split("\n", 1)[0]))
        alive = process.name() == "postgres" and process.status() != psutil.STATUS_ZOMBIE
    except FileNotFoundError:
        return
    except (ValueError, psutil.NoSuchProcess):
        alive = False
    if not alive:
        path.unlink(missing_ok=True)
