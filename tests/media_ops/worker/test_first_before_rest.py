"""A fresh upload plays however much of what plays already is still being made, and nothing of that is lost.

With the real ledger, store and media programs. What is held up is only how fast the store takes segments.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from mcsp.database.pool import open_pool
from mcsp.ids import uuid7
from mcsp.presign import Presigner
from mcsp.s3 import ObjectStore, open_store
from mcsp.settings import S3Settings, Settings
from media_ops.worker.context import WorkerContext
from media_ops.worker.places import QUICK
from media_ops.worker.publisher import Publisher
from media_ops.worker.slots import Slot
from media_ops.worker.work import Workshop
from tests.media_ops.postgres import Server
from tests.media_ops.worker.workbench import until

LONG = QUICK.makers + QUICK.errand + 4
"""More long uploads at once than a worker has places."""

ENQUEUE = "SELECT media_ops.enqueue_source($1, $2, $3, $4, 'etag', $5, 'clip.mp4', 'video/mp4')"
PLAYING = "SELECT count(*) FROM media_ops.source WHERE media_id = ANY ($1) AND playable_at IS NOT NULL"
COPIES = "SELECT count(*) FROM media_ops.job WHERE media_id = ANY ($1) AND kind = 'copy' AND state = ANY ($2)"


class Slow(ObjectStore):
    """The real store, which takes the later segments of ``held`` items only once it is ``released``."""

    held: frozenset[UUID] = frozenset()
    released: asyncio.Event

    async def put_once(self, bucket: str, key: str, *arguments, **options) -> bool:
        _, media_id, *_, name = key.split("/")
        if name.endswith(".m4s") and name != "0.m4s" and UUID(media_id) in self.held:
            await self.released.wait()
        return await super().put_once(bucket, key, *arguments, **options)


@pytest.fixture
async def context(
    store_settings: S3Settings, postgres_server: Server, database: str, tmp_path: Path
) -> AsyncIterator[WorkerContext]:
    dsn = postgres_server.dsn("media_ops", database)
    pool = await open_pool(dsn, name="worker", max_size=24)
    heartbeats = await open_pool(dsn, name="heartbeats", max_size=3)
    async with open_store(store_settings) as opened:
        store = Slow(opened._client)
        store.released = asyncio.Event()
        yield WorkerContext(
            name="worker-1", settings=Settings(home=tmp_path, s3=store_settings), pool=pool,
            heartbeats=heartbeats, store=store, presigner=Presigner(store_settings), scratch=tmp_path,
        )  # fmt: skip
    await heartbeats.close()
    await pool.close()


@asynccontextmanager
async def _working(context: WorkerContext) -> AsyncIterator[Slot]:
    """The quick slot of a worker at work."""
    publisher, stop = Publisher(context), asyncio.Event()
    slot = Slot(context, "quick", QUICK, Workshop(publisher).work)
    running = asyncio.create_task(slot.run(stop))
    try:
        yield slot
    finally:
        stop.set()
        await running
        await publisher.flush(30)


async def _upload(context: WorkerContext, clip: Path, media_id: UUID) -> None:
    content = await asyncio.to_thread(clip.read_bytes)
    key = f"uploads/{media_id}/1"
    await context.store.put_once(context.bucket, key, content, "video/mp4")
    await context.pool.execute(ENQUEUE, media_id, uuid7(), context.bucket, key, len(content))
    context.wake()


def _all_play(pool: asyncpg.Pool, items: list[UUID]) -> Callable[[], Awaitable[bool]]:
    async def all_play() -> bool:
        return await pool.fetchval(PLAYING, items) == len(items)

    return all_play


async def test_an_item_becomes_playable_while_more_than_a_slot_holds_are_still_being_made(
    context: WorkerContext, streamable: Path
) -> None:
    pool, store = context.pool, context.store
    assert isinstance(store, Slow)
    async with _working(context) as slot:
        long = [uuid7() for _ in range(LONG)]
        store.held = frozenset(long)
        for media_id in long:
            await _upload(context, streamable, media_id)
        await until(_all_play(pool, long), "all long items play", limit_s=120)
        await _upload(context, streamable, fresh := uuid7())
        await until(_all_play(pool, [fresh]), "the fresh item plays", limit_s=120)
        assert await pool.fetchval(COPIES, long, ["queued", "running"]) == LONG
        assert slot.running <= QUICK.makers + QUICK.errand
        store.released.set()

        async def all_made() -> bool:
            return await pool.fetchval(COPIES, [*long, fresh], ["done"]) == LONG + 1

        await until(all_made, "everything is made", limit_s=120)
    counted = "SELECT sum(attempts + lost_leases) FROM media_ops.job"
    assert await pool.fetchval(counted) == 0, "making way is no attempt"
    made = "SELECT count(*) FROM media_ops.rendition_state WHERE state = 'published'"
    assert await pool.fetchval(made) == 2 * (LONG + 1), "picture and sound of each"
