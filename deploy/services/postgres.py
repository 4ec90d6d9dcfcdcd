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
from deploy.supervisor.service import NotReadyError, RunCommand, Service

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
        user_namespace=os.geteuid() == 0,
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
        raise NotReadyError(str(error) or type(error).__name__) from error


async def _prepare(context: Context, run: RunCommand) -> None:
    data = context.layout.data("postgres")
    if data.exists():
        _heal_pid_file(data / "postmaster.pid")
        return
    draft = data.with_name("postgres.new")  # what a first start that was cut off leaves
    shutil.rmtree(draft, ignore_errors=True)
    context.credentials.password(f"postgres-{SUPERUSER}")
    await run(
        (programs.postgres("initdb"), "-D", str(draft), "-U", SUPERUSER, "-E", "UTF8", "--locale=C.UTF-8",
         "--auth-local=trust", "--auth-host=scram-sha-256", "--no-sync",
         f"--pwfile={context.layout.secrets / f'postgres-{SUPERUSER}'}"),
        context.base_environment(),
        user_namespace=os.geteuid() == 0,
    )  # fmt: skip
    draft.rename(data)


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
