"""Forward-only migrations: numbered ``.sql`` files of each owner, run once, in one transaction a file.

An owner is a database role that owns a schema; its files stand in ``<room>/…/migrations``. They are run as
that role (``SET LOCAL ROLE``) by an administrator's connection under an advisory lock, so that two starts
at once do the work once. Owners are listed in dependency order in ``OWNERS``.
"""

import hashlib
from importlib import resources
from importlib.resources.abc import Traversable

import asyncpg
import msgspec
import structlog

from mcsp.errors import ConflictError

log = structlog.get_logger()

_LOCK_KEY = 0x6D637370  # "mcsp"

_SETUP = """
CREATE TABLE IF NOT EXISTS public.migration (
    owner text NOT NULL, number integer NOT NULL, name text NOT NULL, sha256 text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (owner, number))
"""


class Owner(msgspec.Struct, frozen=True):
    """Whose migrations: the role and schema ``name`` in ``database``; files in ``package``/migrations."""

    name: str
    database: str
    package: str


OWNERS = (
    Owner("identity", "identity", "streaming_api.identity"),
    Owner("outbox", "content", "mcsp.outbox"),
    Owner("media_ops", "content", "media_ops"),
    Owner("content", "content", "streaming_api.content"),
    Owner("uploads", "content", "streaming_api.uploads"),
    Owner("creators", "content", "streaming_api.creators"),
)


def files_of(owner: Owner) -> list[Traversable]:
    """The owner's migration files in order; empty when its room is not there."""
    folder = resources.files(owner.package) / "migrations"
    return sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)


async def migrate(connection: asyncpg.Connection, owner: Owner) -> list[str]:
    """Apply what is missing of one owner over an administrator's connection; gives the names applied.

    Raises ConflictError when an applied file was changed afterwards.
    """
    applied: list[str] = []
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK_KEY)
        await connection.execute(_SETUP)
        rows = await connection.fetch(
            "SELECT number, sha256 FROM public.migration WHERE owner = $1", owner.name
        )
        known = {row["number"]: row["sha256"] for row in rows}
        for file in files_of(owner):
            if await _apply(connection, owner, file, known):
                applied.append(file.name)
    log.info("migrated", owner=owner.name, database=owner.database, applied=applied)
    return applied


async def _apply(
    connection: asyncpg.Connection, owner: Owner, file: Traversable, known: dict[int, str]
) -> bool:
    sql, number = file.read_text(), int(file.name.split("_", 1)[0])
    digest = hashlib.sha256(sql.encode()).hexdigest()
    if number in known:
        if known[number] != digest:
            raise ConflictError(
                "migration_changed",
                f"{owner.name}/{file.name} was changed after it was applied",
                action="Undo the change and write a new numbered file.",
            )
        return False
    await connection.execute(f'SET LOCAL ROLE "{owner.name}"')
    await connection.execute(sql)
    await connection.execute("RESET ROLE")
    await connection.execute(
        "INSERT INTO public.migration (owner, number, name, sha256) VALUES ($1, $2, $3, $4)",
        owner.name, number, file.name, digest,
    )  # fmt: skip
    return True
