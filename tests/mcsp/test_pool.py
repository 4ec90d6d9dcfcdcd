"""Promises of the database pools."""

import pytest

from mcsp.database.pool import open_pool
from mcsp.settings import Settings


async def test_nobody_waits_for_a_free_connection_longer_than_allowed(options: Settings) -> None:
    pool = await open_pool(options.dsn_of("admin_content"), name="tests", max_size=1, acquire_s=0.1)
    async with pool:
        async with pool.acquire():
            with pytest.raises(TimeoutError):
                await pool.fetchval("SELECT 1")
            with pytest.raises(TimeoutError):
                async with pool.acquire():
                    pass
        assert await pool.fetchval("SELECT 1") == 1
