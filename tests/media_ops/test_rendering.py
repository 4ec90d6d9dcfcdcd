"""Manifests in a real store while puts fail, come late or race: none is ever left older than its rows."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from mcsp.errors import UnavailableError
from mcsp.s3 import ObjectStore, open_store
from mcsp.settings import S3Settings
from media_ops.ledger import endings, rendering
from media_ops.ledger.settle import Advance
from media_ops.worker.rendering import render
from tests.media_ops.items import LOW, SOUND, Item, new_item, two_step_plan

Hook = Callable[[str], Awaitable[None]]


class Hindered(ObjectStore):
    """The real store, with something that happens before each put; ``under_way`` puts have not ended."""

    under_way = 0
    before: Hook | None = None

    async def put(self, bucket: str, key: str, *arguments, **options) -> str:
        self.under_way += 1
        try:
            if self.before is not None:
                await self.before(key)
            return await super().put(bucket, key, *arguments, **options)
        finally:
            self.under_way -= 1


@pytest.fixture
async def store(store_settings: S3Settings) -> AsyncIterator[Hindered]:
    async with open_store(store_settings) as opened:
        yield Hindered(opened._client)


@pytest.fixture
async def item(pool, store_settings: S3Settings) -> Item:
    """An item with two rungs of one segment each in a growing version."""
    made = await new_item(pool, store_settings.bucket_media)
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
    await item.run_out()
    await item.pool.execute(
        "UPDATE media_ops.job SET state = 'queued', due_at = now() WHERE state = 'running'"
    )
    lease = await item.taken()
    await item.publish(lease)
    await endings.complete(item.pool, lease)


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
    for name in (LOW.name, SOUND.name):
        shown = await text(item, store, f"{name}.m3u8")
        assert (shown.count("#EXTINF"), shown.endswith("#EXT-X-ENDLIST\n")) == (3, True)
