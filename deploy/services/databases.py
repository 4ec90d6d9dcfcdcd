"""Step ``bootstrap-databases``: roles, databases and owned schemas. Tables are the owners' migrations' work.

One role a domain from the first day; a role can connect to its own database only.
"""

from collections.abc import Awaitable, Callable
from functools import partial

import asyncpg

from deploy.context import Context
from deploy.services.postgres import SUPERUSER, dsn
from deploy.supervisor.service import RunCommand, Step, StepFailedError

ROLES = {
    "identity": ("identity",),
    "content": ("outbox", "media_ops", "content", "uploads", "creators", "playback", "relay", "pipelines"),
    "dagster": ("dagster",),
}
"""Roles by the database they may connect to."""

SCHEMAS = {"identity": ("identity",), "content": ("outbox", "media_ops", "content", "uploads", "creators"),
           "dagster": ()}  # fmt: skip
"""Schemas by database; each is owned by the role of its name."""

DATABASE_OF = {role: database for database, roles in ROLES.items() for role in roles}


def step(context: Context) -> Step:
    return Step("bootstrap-databases", partial(_bootstrap, context), needs=("postgres",))


async def _bootstrap(context: Context, _run: RunCommand) -> None:
    try:
        await _in_database(context, "postgres", _make_roles_and_databases)
        for database in ROLES:
            await _in_database(context, database, partial(_make_schemas, database=database))
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise StepFailedError(f"PostgreSQL: {error}") from error


async def _in_database(
    context: Context, database: str, work: Callable[[Context, asyncpg.Connection], Awaitable[None]]
) -> None:
    connection = await asyncpg.connect(dsn(context, SUPERUSER, database), timeout=10)
    try:
        await work(context, connection)
    finally:
        await connection.close(timeout=5)


async def _make_roles_and_databases(context: Context, connection: asyncpg.Connection) -> None:
    existing = {row["rolname"] for row in await connection.fetch("SELECT rolname FROM pg_roles")}
    for role in DATABASE_OF:
        password = context.credentials.password(f"postgres-{role}")
        verb = "ALTER" if role in existing else "CREATE"
        await connection.execute(f"{verb} ROLE {role} LOGIN PASSWORD '{password}'")
    databases = {row["datname"] for row in await connection.fetch("SELECT datname FROM pg_database")}
    for database in ROLES:
        if database not in databases:
            await connection.execute(f"CREATE DATABASE {database}")


async def _make_schemas(context: Context, connection: asyncpg.Connection, *, database: str) -> None:
    await connection.execute(f"REVOKE ALL ON DATABASE {database} FROM PUBLIC")
    await connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    roles = ", ".join(ROLES[database])
    await connection.execute(f"GRANT CONNECT, TEMPORARY ON DATABASE {database} TO {roles}")
    for schema in SCHEMAS[database]:
        await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {schema}")
    if database == "dagster":  # Dagster makes its tables itself, in the default schema
        await connection.execute("ALTER DATABASE dagster OWNER TO dagster")
        await connection.execute("ALTER SCHEMA public OWNER TO dagster")
