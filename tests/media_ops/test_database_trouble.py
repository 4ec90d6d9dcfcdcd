"""What PostgreSQL cannot do at this moment is tried again; writers of one item lock its rows in one order."""

import asyncio

import pytest

from media_ops.ledger import endings, publish
from media_ops.ledger.publish import SegmentRow
from media_ops.worker.context import patiently
from tests.media_ops.items import new_item

PASSING = {
    "53300": "too many connections", "53100": "disk full", "53200": "out of memory", "40P01": "deadlock",
    "40001": "serialization", "25006": "read only", "55P03": "lock not available", "58030": "i/o error",
    "57P01": "shutting down", "57014": "cancelled",
}  # fmt: skip

RAISE = "DO $$ BEGIN RAISE EXCEPTION 'as told' USING ERRCODE = '{}'; END $$"

WAITING = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@pytest.mark.parametrize("code", PASSING, ids=PASSING.get)
async def test_an_error_that_passes_ends_no_worker(pool, code: str) -> None:
    asked = 0

    async def once_in_vain() -> int:
        nonlocal asked
        asked += 1
        if asked == 1:
            await pool.execute(RAISE.format(code))
        return asked

    assert await patiently(once_in_vain) == 2


async def test_segments_of_a_rung_in_two_growing_versions_lock_them_in_order(pool) -> None:
    item = await new_item(pool)
    await item.planned()
    opening = await item.taken()
    await item.publish(opening, range(1))
    await item.render()
    rest = await item.taken("encode")
    await item.publish(rest)
    await endings.complete(pool, rest)
    assert [(version, state) for version, _, state in await item.manifests()] == [
        (1, "growing"), (2, "growing"),
    ]  # fmt: skip
    # The first version's row now lies behind the second's, where a scan comes last.
    await pool.execute("UPDATE media_ops.manifest SET revision = revision + 1 WHERE version = 1")
    known = dict(await pool.fetch("SELECT version, revision FROM media_ops.manifest"))
    row = SegmentRow(number=1, start_ticks=120, duration_ticks=120, bytes=1, key="k")
    lock = "SELECT FROM media_ops.manifest WHERE media_id = $1 AND version = $2 FOR UPDATE NOWAIT"
    async with pool.acquire() as other, other.transaction():
        await other.execute(lock, item.media_id, 1)
        writing = asyncio.create_task(
            publish.publish_segments(pool, opening, opening.rungs[0], item.bucket, [row], 0.2)
        )
        async with asyncio.timeout(30):
            while not await pool.fetchval(WAITING):  # noqa: ASYNC110 -- the server's state, no event of ours
                await asyncio.sleep(0.01)
        await other.execute(lock, item.media_id, 2)
    assert await writing == 1
    growing = "SELECT version, revision FROM media_ops.manifest ORDER BY version"
    assert [row["revision"] - known[row["version"]] for row in await pool.fetch(growing)] == [1, 1]
