"""A sweeper killed between two items of its batch: the next one does the rest, and nothing twice."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from mcsp.database.pool import open_pool
from mcsp.ids import uuid7
from media_ops.ledger.losses import LOST_LEASES
from tests.media_ops.worker.workbench import Workbench, until
from tests.streaming_api.processes import Running

pytestmark = [pytest.mark.stack, pytest.mark.fault]

ITEMS = 6
ENQUEUE = "SELECT media_ops.enqueue_source($1, $2, 'mcsp-source', $3, 'etag', 10, 'a.mp4', 'video/mp4')"
# As a worker leaves a job that killed it for the twentieth time: each is buried in a transaction of its own.
LOST = """
UPDATE media_ops.job SET state = 'running', lost_leases = $2, leased_by = 'gone', lease_token = job_id,
       lease_until = now() - interval '1 s'
WHERE media_id = ANY ($1)
"""
BURIED = "SELECT count(*) FROM media_ops.job WHERE media_id = ANY ($1) AND state = 'dead'"
WAITS = "SELECT count(*) > 0 FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))"
LETTERS = "SELECT key FROM outbox.message WHERE topic = 'media.jobs.dlq' AND key = ANY ($1)"


@pytest.fixture
async def admin(bench: Workbench) -> AsyncIterator[asyncpg.Pool]:
    """Sees every schema of the database."""
    pool = await open_pool(bench.settings.dsn_of("admin_content"), name="tests", max_size=3)
    yield pool
    await pool.close()


async def _lost(admin: asyncpg.Pool) -> list[UUID]:
    """Items whose workers are gone for the twentieth time, which a sweeper buries one by one."""
    items = [uuid7() for _ in range(ITEMS)]
    for media_id in items:
        await admin.execute(ENQUEUE, media_id, uuid7(), f"uploads/{media_id}/1")
    await admin.execute(LOST, items, LOST_LEASES - 1)
    return items


async def test_a_sweeper_killed_in_the_middle_of_its_batch_leaves_the_rest_to_the_next_one(
    bench: Workbench, admin: asyncpg.Pool, tmp_path: Path
) -> None:
    async with bench.hold_down("worker-1", "worker-2", "sweeper", "relay"):
        items = await _lost(admin)
        sweeper = Running(bench.stack, "sweeper", ("sweeper",), tmp_path / "killed")
        async with admin.acquire() as connection:
            mine = await connection.fetchval("SELECT pg_backend_pid()")
            async with connection.transaction():
                await connection.execute("SELECT media_ops.lock_item($1)", items[ITEMS // 2])
                await asyncio.to_thread(sweeper.__enter__)
                await until(
                    lambda: admin.fetchval(WAITS, mine), "the sweeper waits for the item in the middle"
                )
                assert 0 < await admin.fetchval(BURIED, items) < ITEMS, "it is in the middle of its batch"
                await asyncio.to_thread(sweeper.kill)
        before = await admin.fetchval(BURIED, items)
        assert 0 < before < ITEMS, "nobody went on with it"
        with Running(bench.stack, "sweeper", ("sweeper",), tmp_path / "next"):
            await until(lambda: _all_buried(admin, items), "the next sweeper has buried the rest")
        counted = "SELECT array_agg(DISTINCT lost_leases) FROM media_ops.job WHERE media_id = ANY ($1)"
        assert await admin.fetchval(counted, items) == [LOST_LEASES]
        letters = [row["key"] for row in await admin.fetch(LETTERS, [str(item) for item in items])]
        assert sorted(letters) == sorted(str(item) for item in items), "one dead letter each"
        assert await admin.fetchval("SELECT count(*) FROM media_ops.never_stuck") == 0


async def _all_buried(admin: asyncpg.Pool, items: list[UUID]) -> bool:
    return await admin.fetchval(BURIED, items) == ITEMS
