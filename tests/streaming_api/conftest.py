"""Fixtures of the services' tests: one API process, two people, the databases as their roles see them."""

from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from deploy.handle import StackHandle
from mcsp.database.pool import open_pool
from mcsp.resources import Resources, open_resources
from mcsp.settings import Settings
from tests.streaming_api.api import ApiProcess, Person
from tests.streaming_api.seed import Seeds


@pytest.fixture(scope="session")
def api(stack: StackHandle) -> Iterator[ApiProcess]:
    process = ApiProcess(stack)
    try:
        process.start()
        yield process
    finally:
        process.kill()
    assert process.server_errors() == []


@pytest.fixture(scope="session")
def ann(api: ApiProcess) -> Person:
    return Person(api.url)


@pytest.fixture(scope="session")
def bob(api: ApiProcess) -> Person:
    return Person(api.url)


@pytest.fixture(scope="session")
def options(stack: StackHandle) -> Settings:
    """Settings that know every role of the stack."""
    variables = {name: value for name, value in stack.env("tests").items() if name.startswith("MCSP_")}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        return Settings()


@pytest.fixture(scope="session")
async def resources(options: Settings) -> AsyncIterator[Resources]:
    async with open_resources("tests", options) as opened:
        yield opened


@pytest.fixture(scope="session")
async def admin(options: Settings) -> AsyncIterator[asyncpg.Pool]:
    """The content database as its administrator sees it."""
    pool = await open_pool(options.dsn_of("admin_content"), name="tests/admin")
    yield pool
    await pool.close()


@pytest.fixture
async def seeds(admin: asyncpg.Pool) -> AsyncIterator[Seeds]:
    seeds = Seeds(admin)
    yield seeds
    await seeds.remove()
