"""The object store hangs or is away: who does not need it goes on, and nothing is left behind."""

import asyncio
from dataclasses import replace
from uuid import UUID

import asyncpg
import pytest

from mcsp.errors import InvalidInputError, RateLimitedError, UnavailableError
from mcsp.idempotency import Idempotency
from mcsp.ids import uuid7
from mcsp.resources import Resources
from mcsp.s3 import ObjectStore, Part
from streaming_api.uploads import completion, creation, limits, views
from streaming_api.uploads.schemas import NewUpload
from streaming_api.uploads.state import Uploads, find
from tests.streaming_api.api import Person

NEW = NewUpload(filename="a.mp4", size=11, content_type="video/mp4")


class SlowStore(ObjectStore):
    """The real store, behind a line that hangs until ``mended`` is set."""

    def __init__(self, store: ObjectStore) -> None:
        super().__init__(store._client)
        self._asked, self.mended = asyncio.Semaphore(0), asyncio.Event()

    async def create_multipart(self, bucket: str, key: str, content_type: str) -> str:
        self._asked.release()
        await self.mended.wait()
        return await super().create_multipart(bucket, key, content_type)

    async def asked(self, times: int) -> None:
        """Until so many wait."""
        for _ in range(times):
            await self._asked.acquire()


@pytest.fixture
async def uploads(resources: Resources) -> Uploads:
    pool, options = await resources.pool("uploads"), resources.settings
    idempotency = Idempotency(pool, "uploads", resources.cache)
    store = await resources.store()
    return Uploads(pool, store, resources.presigner, options.s3.bucket_source, idempotency)


async def test_while_the_store_hangs_no_connection_and_no_lock_is_held(uploads: Uploads) -> None:
    store, owner = SlowStore(uploads.store), uuid7()
    slow = replace(uploads, store=store)
    async with asyncio.timeout(20):
        held = [asyncio.create_task(creation.create_once(slow, owner, NEW, None)) for _ in range(12)]
        await store.asked(12)
        assert (await views.open_page(uploads, owner, None, 50)).items == []
        mine, _ = await creation.create_once(uploads, owner, NEW, None)
        store.mended.set()
        begun = [(await task)[0].upload_id for task in held]
    listed = {view.upload_id for view in (await views.open_page(uploads, owner, None, 50)).items}
    assert listed == {mine.upload_id, *begun}


async def _multiparts(uploads: Uploads, owner: UUID, admin: asyncpg.Pool) -> tuple[int, int]:
    """How many multipart uploads the store holds in all, and how many rows the person has."""
    begun, _ = await uploads.store.list_multipart(uploads.bucket, "uploads/", 1000)
    return len(begun), await admin.fetchval("SELECT count(*) FROM uploads.upload WHERE owner_id = $1", owner)


async def test_of_one_key_at_once_the_losers_leave_nothing_in_the_store(
    uploads: Uploads, admin: asyncpg.Pool
) -> None:
    store, owner = SlowStore(uploads.store), uuid7()
    before, _ = await _multiparts(uploads, owner, admin)
    racers = [
        asyncio.create_task(creation.create_once(replace(uploads, store=store), owner, NEW, "k"))
        for _ in range(4)
    ]
    await store.asked(4)
    store.mended.set()
    assert len({(await task)[0].upload_id for task in racers}) == 1
    assert await _multiparts(uploads, owner, admin) == (before + 1, 1)


async def test_a_creation_refused_under_the_lock_leaves_nothing_in_the_store(
    uploads: Uploads, admin: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, owner = SlowStore(uploads.store), uuid7()
    before, _ = await _multiparts(uploads, owner, admin)
    late = asyncio.create_task(creation.create_once(replace(uploads, store=store), owner, NEW, None))
    await store.asked(1)
    monkeypatch.setattr(limits, "MAX_OPEN_UPLOADS", 0)
    store.mended.set()
    with pytest.raises(RateLimitedError):
        await late
    assert await _multiparts(uploads, owner, admin) == (before, 0)


async def test_a_repeat_is_answered_while_the_store_is_away(uploads: Uploads) -> None:
    owner = uuid7()
    first, _ = await creation.create_once(uploads, owner, NEW, "k")

    class Away(ObjectStore):
        async def create_multipart(self, bucket: str, key: str, content_type: str) -> str:
            raise UnavailableError("store_down", "away")

    away = replace(uploads, store=Away(None))
    again, replayed = await creation.create_once(away, owner, NEW, "k")
    assert (again.upload_id, replayed) == (first.upload_id, True)


async def test_parts_that_another_complete_is_joining_are_not_called_missing(
    uploads: Uploads, ann: Person
) -> None:
    """The store makes the object first and drops its parts after: in between it lists but some of them."""
    begun = ann.begin(11)
    named = [Part(part["number"], part["etag"].strip('"')) for part in ann.put(begun, b"hello media")]
    upload = await find(uploads.pool, UUID(begun["upload_id"]), UUID(ann.user_id))

    class Joining(ObjectStore):
        async def list_parts(self, bucket: str, key: str, upload: str) -> list[Part]:
            return []

    joining = replace(uploads, store=Joining(uploads.store._client))
    with pytest.raises(InvalidInputError, match="parts_missing"):
        await completion.join(joining, upload, named)
    etag = await uploads.store.complete_multipart(upload.bucket, upload.key, upload.store_upload, named)
    assert await completion.join(joining, upload, named) == etag
