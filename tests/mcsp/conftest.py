"""Fixtures of the kernel's tests: settings and shared clients that know the whole local stack."""

from collections.abc import AsyncIterator

import asyncpg
import pytest

from deploy.handle import StackHandle
from mcsp.database.pool import open_pool
from mcsp.resources import Resources, open_resources
from mcsp.settings import Settings


@pytest.fixture(scope="session")
def options(stack: StackHandle) -> Settings:
    """Settings that know every role of the stack."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in stack.env("tests").items():
            if name.startswith("MCSP_"):
                patch.setenv(name, value)
        return Settings()


@pytest.fixture
async def resources(options: Settings) -> AsyncIterator[Resources]:
    async with open_resources("tests", options) as opened:
        yield opened


@pytest.fixture
async def scratch(options: Settings) -> AsyncIterator[asyncpg.Pool]:
    """A pool that may make what it likes in the schema ``scratch``, which is dropped afterwards."""
    pool = await open_pool(options.dsn_of("admin_content"), name="tests")
    await pool.execute("DROP SCHEMA IF EXISTS scratch CASCADE; CREATE SCHEMA scratch")
    yield pool
    await pool.execute("DROP SCHEMA scratch CASCADE")
    await pool.close()
