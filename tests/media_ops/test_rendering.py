"""Manifests in a real store while puts fail, come late or race: none is ever left older than its rows."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

from mcsp.database.pool import open_pool
from mcsp.errors import UnavailableError
from mcsp.presign import Presigner
from mcsp.s3 import ObjectStore, open_store
from mcsp.settings import S3Settings, Settings
from media_ops.ledger import endings, leases, rendering
from media_ops.ledger.settle import Advance
from media_ops.worker.attempt import Attempt, run_attempt
from media_ops.worker.context import WorkerContext
from media_ops.worker.publisher import RENDERS, Publisher
from media_ops.worker.rendering import render
from media_ops.worker.verifying import verify
from tests.media_ops.items import LOW, SOUND, Item, new_item, two_step_plan
from tests.media_ops.postgres import Server
from tests.media_ops.worker import served

TERMINATE = """
SELECT pg_terminate_backend(pid) FROM pg_locks
WHERE locktype = 'advisory' AND granted AND pid <> pg_backend_pid()
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
"""Ends the renderer's connection, the only one that holds an advisory lock just then."""

LEASE_UNTIL = "SELECT lease_until FROM media_ops.job WHERE job_id = $1"

Hook = Callable[[str], Awaitable[None]]


class Hindered(ObjectStore):
    """The real store, with something that happens before each put; ``under_way`` puts have not ended."""

    under_way = 0
    before: Hook | None = None

    async def replace(self, bucket: str, key: str, *arguments, **options) -> str:
        self.under_way += 1
        try:
            if self.before is not None:
                await self.before(key)
            return await super().replace(bucket, key, *arguments, **options)
        finally:
            self.under_way -= 1


@pytest.fixture
async def store(store_settings: S3Settings) -> AsyncIterator[Hindered]:
    async with open_store(store_settings) as opened:
        yield Hindered(opened._client)


@pytest.fixture
async def item(pool, store_settings: S3Settings) -> Item:
    """An item with two rungs of one segment each in a growing version."""
    return await begun_item(pool, store_settings.bucket_media)


async def begun_item(pool: asyncpg.Pool, bucket: str) -> Item:
    made = await new_item(pool, bucket)
    await made.planned(two_step_plan(rest=()))
    await made.publish(await made.taken(), range(1))
    return made


async def render_now(item: Item, store: ObjectStore) -> Advance:
    async with rendering.render_lock(item.pool, item.media_id) as connection:
        assert connection is not None
        stale = await rendering.stale_manifests(connection, item.media_id)
        await render(store, connection, item.media_id, stale)
        return await rendering.rendered(connection, item.media_id, stale)


async def finish(item: Item) -> None:
    """The rest of the item's segments, and the end of its job."""
    lease = await item.taken_back()
    await item.publish(lease)
    await endings.complete(item.pool, lease)


async def assert_finished(item: Item, store: ObjectStore) -> None:
    """Both lists of version 1 end, and show the three segments that the rows hold."""
    prefix, names = f"media/{item.media_id}/m1", (LOW.name, SOUND.name)
    assert await served.lists(store, item.bucket, prefix) == {name: [0, 1, 2] for name in names}
    assert await served.representations(store, item.bucket, prefix) == dict.fromkeys(names, 3)


def publisher(item: Item, store: ObjectStore, scratch: Path) -> Publisher:
    """The renderer of a worker of its own."""
    settings = Settings()
    pool, presigner = item.pool, Presigner(settings.s3)
    return Publisher(WorkerContext("w", settings, pool, pool, store, presigner, scratch))


async def text(item: Item, store: ObjectStore, name: str, version: int = 1) -> str:
    return (await store.get(item.bucket, f"media/{item.media_id}/m{version}/{name}")).decode()


async def test_a_render_that_fails_leaves_no_put_under_way(item: Item, store: Hindered) -> None:
    others = asyncio.Event()

    async def one_fails(key: str) -> None:
        if key.endswith(f"{LOW.name}.m3u8"):
            raise UnavailableError("store_down", "not this one")
        await others.wait()

    store.before = one_fails
    with pytest.raises(UnavailableError, match="not this one"):
        await render_now(item, store)
    assert store.under_way == 0
    others.set()
    store.before = None
    await finish(item)
    await render_now(item, store)
    await assert_finished(item, store)


async def test_a_put_that_outlives_its_lock_replaces_nothing_newer(
    item: Item, store: Hindered, store_settings: S3Settings
) -> None:
    """PostgreSQL ends the connection, and with it the lock, while puts are on their way."""
    begun, released = asyncio.Event(), asyncio.Event()

    async def hold(_key: str) -> None:
        begun.set()
        await released.wait()

    await render_now(item, store)
    lease = await item.taken_back()
    await item.publish(lease, range(2))
    store.before = hold
    late = asyncio.create_task(render_now(item, store))
    await begun.wait()
    await item.pool.fetch(TERMINATE)
    async with open_store(store_settings) as other:
        await item.publish(lease)
        await endings.complete(item.pool, lease)
        await render_now(item, other)
    released.set()
    with pytest.raises(asyncpg.InterfaceError):  # it learns that its connection is gone
        await late
    await assert_finished(item, store)


async def test_two_workers_that_render_one_item_at_once_leave_it_whole(
    item: Item, store: Hindered, store_settings: S3Settings, tmp_path: Path
) -> None:
    async def slowly(_key: str) -> None:
        await asyncio.sleep(0)

    store.before = slowly
    lease = await item.taken_back()
    async with open_store(store_settings) as other:
        workers = [publisher(item, one, tmp_path) for one in (store, other)]
        for number in range(3):
            await item.publish(lease, range(number + 1))
            for worker in workers:
                worker.dirty(item.media_id)
            await asyncio.sleep(0.05)
        await endings.complete(item.pool, lease)
        for worker in workers:
            worker.dirty(item.media_id)
        for worker in workers:
            await worker.flush(30)
    assert await item.state() == "ready"
    await assert_finished(item, store)


async def test_a_finished_version_that_was_damaged_is_found_and_rendered_again(
    item: Item, store: Hindered
) -> None:
    await finish(item)
    await render_now(item, store)
    key = f"media/{item.media_id}/m1/{LOW.name}.m3u8"
    whole = await text(item, store, f"{LOW.name}.m3u8")
    await store.put(item.bucket, key, whole.split("#EXTINF")[0].encode(), "text/plain")
    assert await verify(item.pool, store, after_s=0) == [item.media_id]
    await render_now(item, store)
    await assert_finished(item, store)
    assert await verify(item.pool, store, after_s=0) == []
    assert await item.pool.fetchval("SELECT verified_at IS NOT NULL FROM media_ops.manifest")


async def test_a_finished_version_with_an_object_missing_is_rendered_again(
    item: Item, store: Hindered
) -> None:
    await finish(item)
    await render_now(item, store)
    await store.delete(item.bucket, [f"media/{item.media_id}/m1/master.m3u8"])
    assert await verify(item.pool, store, after_s=0) == [item.media_id]
    await render_now(item, store)
    assert "#EXT-X-STREAM-INF" in await text(item, store, "master.m3u8")


async def test_a_store_that_is_away_leaves_a_look_due(item: Item, store: Hindered) -> None:
    await finish(item)
    await render_now(item, store)
    async with open_store(S3Settings(endpoint="http://127.0.0.1:9", access_key="a")) as away:
        assert await verify(item.pool, away, after_s=0) == []
    assert await item.pool.fetchval("SELECT verified_at IS NULL FROM media_ops.manifest")


async def test_a_store_that_hangs_leaves_connections_for_other_work(
    pool, store: Hindered, store_settings: S3Settings, tmp_path: Path
) -> None:
    begun: set[str] = set()
    enough, released = asyncio.Event(), asyncio.Event()

    async def hang(key: str) -> None:
        begun.add(key.split("/")[1])
        if len(begun) == RENDERS:
            enough.set()
        await released.wait()

    items = [await begun_item(pool, store_settings.bucket_media) for _ in range(pool.get_max_size() + 1)]
    assert len(items) > RENDERS
    store.before = hang
    worker = publisher(items[0], store, tmp_path)
    for one in items:
        worker.dirty(one.media_id)
    async with asyncio.timeout(30):
        await enough.wait()
        assert await pool.fetchval("SELECT 1") == 1
    assert len(begun) == RENDERS
    released.set()
    await worker.flush(30)
    assert {await one.state() for one in items} == {"playable"}


async def test_a_lease_is_kept_while_other_work_has_every_connection(
    item: Item, store: Hindered, postgres_server: Server, database: str, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(leases, "HEARTBEAT_S", 0.05)
    lease = await item.taken_back()
    context = publisher(item, store, tmp_path).context
    context.pool = await open_pool(postgres_server.dsn("media_ops", database), name="busy", max_size=1)
    before = await item.pool.fetchval(LEASE_UNTIL, lease.job_id)

    async def work(_attempt: Attempt) -> None:
        async with context.pool.acquire(), asyncio.timeout(30):
            while await item.pool.fetchval(LEASE_UNTIL, lease.job_id) == before:  # noqa: ASYNC110 -- a row
                await asyncio.sleep(0.01)

    assert await run_attempt(Attempt(context, lease), work) == "done"
    await context.pool.close()


@pytest.mark.parametrize(
    ("said", "shown"), [('eng"\n#EXT-X-STREAM-INF:BANDWIDTH=1\nevil.m3u8', 0), ("eng", 1)]
)
async def test_a_language_described_before_it_was_looked_at_is_looked_at_when_rendered(
    item: Item, store: Hindered, said: str, shown: int
) -> None:
    await item.pool.execute(
        """UPDATE media_ops.source SET description = jsonb_set(description, '{audio,0,language}', $2)
           WHERE media_id = $1""",
        item.media_id, said,
    )  # fmt: skip
    await render_now(item, store)
    master = await text(item, store, "master.m3u8")
    assert (master.count("LANGUAGE="), "evil" in master) == (shown, False)
