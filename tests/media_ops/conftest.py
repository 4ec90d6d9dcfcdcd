"""Fixtures of the media room: a PostgreSQL of its own for the session, a fresh database a test."""

from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from mcsp.database.pool import open_pool
from mcsp.ids import uuid7
from mcsp.settings import S3Settings
from tests.media_ops.postgres import Server, make_database
from tests.media_ops.seaweed import seaweed


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("ledger") / "pg")
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def database(postgres_server: Server) -> str:
    """The name of a database with empty schemas outbox and media_ops."""
    name = f"ledger_{uuid7().hex}"
    await make_database(postgres_server, name)
    return name


@pytest.fixture
async def pool(postgres_server: Server, database: str) -> AsyncIterator[asyncpg.Pool]:
    """Connections as role media_ops."""
    pool = await open_pool(postgres_server.dsn("media_ops", database), name="test", max_size=8)
    yield pool
    await pool.close()


@pytest.fixture(scope="session")
async def store_settings() -> AsyncIterator[S3Settings]:
    """An object store of the media room's own, with an empty media bucket."""
    async with seaweed() as settings:
        yield settings
