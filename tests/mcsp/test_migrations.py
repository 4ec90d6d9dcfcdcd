"""Promises of migrations, on a database of their own."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from mcsp.database import migrations
from mcsp.database.migrations import OWNERS, Owner, files_of, migrate
from mcsp.errors import ConflictError
from mcsp.settings import Settings

OWNER = Owner("outbox", "content", "nowhere")


@pytest.fixture
async def database(options: Settings) -> AsyncIterator[str]:
    """The DSN of a fresh database with a schema of role ``outbox``."""
    admin = options.dsn_of("admin_content")
    connection = await asyncpg.connect(admin)
    await connection.execute("DROP DATABASE IF EXISTS migrations_test WITH (FORCE)")
    await connection.execute("CREATE DATABASE migrations_test")
    dsn = admin.removesuffix("/content") + "/migrations_test"
    fresh = await asyncpg.connect(dsn)
    await fresh.execute("CREATE SCHEMA outbox AUTHORIZATION outbox")
    await fresh.close()
    yield dsn
    await connection.execute("DROP DATABASE migrations_test WITH (FORCE)")
    await connection.close()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The owner's migration files, written by the test."""
    monkeypatch.setattr(migrations, "files_of", lambda _: sorted(tmp_path.glob("*.sql")))
    return tmp_path


async def apply(dsn: str) -> list[str]:
    connection = await asyncpg.connect(dsn)
    try:
        return await migrate(connection, OWNER)
    finally:
        await connection.close()


async def test_each_file_runs_once_in_order_and_as_its_owner(database: str, folder: Path) -> None:
    (folder / "0001_a.sql").write_text("CREATE TABLE outbox.a (x int)")
    (folder / "0002_b.sql").write_text("ALTER TABLE outbox.a ADD COLUMN y int")
    assert await apply(database) == ["0001_a.sql", "0002_b.sql"]
    assert await apply(database) == []
    connection = await asyncpg.connect(database)
    owner = await connection.fetchval("SELECT tableowner FROM pg_tables WHERE tablename = 'a'")
    await connection.close()
    assert owner == "outbox"


async def test_two_starts_at_once_do_the_work_once(database: str, folder: Path) -> None:
    (folder / "0001_a.sql").write_text("CREATE TABLE outbox.a (x int); SELECT pg_sleep(0.2)")
    done = await asyncio.gather(apply(database), apply(database))
    assert sorted(done) == [[], ["0001_a.sql"]]


async def test_a_failed_file_leaves_nothing_behind(database: str, folder: Path) -> None:
    (folder / "0001_a.sql").write_text("CREATE TABLE outbox.a (x int)")
    (folder / "0002_b.sql").write_text("CREATE TABLE outbox.b (x int); SELECT 1/0")
    with pytest.raises(asyncpg.DivisionByZeroError):
        await apply(database)
    (folder / "0002_b.sql").write_text("CREATE TABLE outbox.b (x int)")
    assert await apply(database) == ["0001_a.sql", "0002_b.sql"]


async def test_a_file_changed_after_it_was_applied_is_refused(database: str, folder: Path) -> None:
    (folder / "0001_a.sql").write_text("CREATE TABLE outbox.a (x int)")
    await apply(database)
    (folder / "0001_a.sql").write_text("CREATE TABLE outbox.a (x text)")
    with pytest.raises(ConflictError, match="changed after it was applied"):
        await apply(database)


@pytest.mark.parametrize("owner", OWNERS, ids=lambda owner: owner.name)
def test_an_owners_files_are_numbered_without_gap(owner: Owner) -> None:
    numbers = [int(file.name.split("_", 1)[0]) for file in files_of(owner)]
    assert len(numbers) == len(set(numbers))
    assert numbers == sorted(numbers)
    assert numbers
