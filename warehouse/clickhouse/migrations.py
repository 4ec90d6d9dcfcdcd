"""Forward-only migrations of ClickHouse: numbered files beside this module, each recorded once it is through.

ClickHouse has no transactions for definitions, so every statement must bear repeating (``IF NOT EXISTS``):
a file cut off in the middle is simply run again. A statement ends with a semicolon at a line's end.
"""

import hashlib
import re
from importlib import resources
from importlib.resources.abc import Traversable

import structlog
from clickhouse_connect.driver.asyncclient import AsyncClient

from mcsp.errors import ConflictError

log = structlog.get_logger()

_SETUP = (
    "CREATE DATABASE IF NOT EXISTS mcsp",
    """
    CREATE TABLE IF NOT EXISTS mcsp.migration
        (number UInt32, name String, sha256 String, applied_at DateTime64(6, 'UTC') DEFAULT now64(6, 'UTC'))
    ENGINE = ReplacingMergeTree ORDER BY number
    """,
)
_KNOWN = "SELECT number, sha256 FROM mcsp.migration"
_STATEMENT_END = re.compile(r";[ \t]*(?:\n|$)")
_COMMENT = re.compile(r"^[ \t]*--.*\n", re.MULTILINE)


def files() -> list[Traversable]:
    """The migration files in order."""
    folder = resources.files("warehouse.clickhouse") / "migrations"
    return sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)


def statements(sql: str) -> list[str]:
    """The statements of a file, without comments."""
    return [found.strip() for found in _STATEMENT_END.split(_COMMENT.sub("", sql)) if found.strip()]


async def migrate(client: AsyncClient) -> list[str]:
    """Apply what is missing; gives the names applied.

    Raises ConflictError when an applied file was changed afterwards.
    """
    for statement in _SETUP:
        await client.command(statement)
    known = {row[0]: row[1] for row in (await client.query(_KNOWN)).result_rows}
    applied = [file.name for file in files() if await _apply(client, file, known)]
    log.info("migrated", store="clickhouse", applied=applied)
    return applied


async def _apply(client: AsyncClient, file: Traversable, known: dict[int, str]) -> bool:
    sql, number = file.read_text(), int(file.name.split("_", 1)[0])
    digest = hashlib.sha256(sql.encode()).hexdigest()
    if number in known:
        if known[number] != digest:
            raise ConflictError(
                "migration_changed",
                f"clickhouse/{file.name} was changed after it was applied",
                action="Undo the change and write a new numbered file.",
            )
        return False
    for statement in statements(sql):
        await client.command(statement)
    row = [[number, file.name, digest]]
    await client.insert("mcsp.migration", row, column_names=["number", "name", "sha256"])
    return True
