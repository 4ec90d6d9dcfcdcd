"""Promises of the object store's client, on the real store."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from mcsp.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError
from mcsp.ids import uuid7
from mcsp.resources import Resources
from mcsp.s3 import ObjectStore, Part, open_store
from mcsp.settings import S3Settings, Settings

MIB = 1 << 20


@pytest.fixture
async def store(resources: Resources) -> ObjectStore:
    return await resources.store()


@pytest.fixture
def bucket(options: Settings) -> str:
    return options.s3.bucket_media


@pytest.fixture
async def prefix(store: ObjectStore, bucket: str) -> AsyncIterator[str]:
    made = f"tests/{uuid7()}/"
    yield made
    await store.delete_prefix(bucket, made)


async def test_of_many_writers_at_once_exactly_one_is_the_first(
    store: ObjectStore, bucket: str, prefix: str
) -> None:
    key = f"{prefix}0.m4s"
    bodies = [bytes([n]) * 1000 for n in range(8)]
    won = await asyncio.gather(*(store.put_once(bucket, key, body, "video/mp4") for body in bodies))
    assert sum(won) == 1
    assert await store.get(bucket, key) == bodies[won.index(True)]


async def test_of_many_writers_that_saw_the_same_object_one_replaces_it(
    store: ObjectStore, bucket: str, prefix: str
) -> None:
    key = f"{prefix}list.m3u8"
    first = await store.replace(bucket, key, b"first", "text/plain", seen=None)
    bodies = [bytes([n]) * 1000 for n in range(8)]
    answers = await asyncio.gather(
        *(store.replace(bucket, key, body, "text/plain", seen=first) for body in bodies),
        return_exceptions=True,
    )
    won = [n for n, answer in enumerate(answers) if isinstance(answer, str)]
    assert len(won) == 1
    assert sum(isinstance(answer, ConflictError) for answer in answers) == 7
    assert await store.get(bucket, key) == bodies[won[0]]
    with pytest.raises(ConflictError):
        await store.replace(bucket, key, b"again", "text/plain", seen=None)
    with pytest.raises(ConflictError):
        await store.replace(bucket, f"{prefix}gone", b"again", "text/plain", seen=first)


async def test_type_and_cache_rule_are_kept(store: ObjectStore, bucket: str, prefix: str) -> None:
    key = f"{prefix}odd name+ä.m4s"
    await store.put(bucket, key, b"abc", "video/mp4", "public, max-age=31536000, immutable")
    head = await store.head(bucket, key)
    assert (head.size_bytes, head.content_type) == (3, "video/mp4")
    assert head.cache_control == "public, max-age=31536000, immutable"


async def test_a_range_gives_exactly_its_bytes(store: ObjectStore, bucket: str, prefix: str) -> None:
    await store.put(bucket, f"{prefix}r", bytes(range(100)), "application/octet-stream")
    assert await store.get(bucket, f"{prefix}r", 10, 19) == bytes(range(10, 20))
    assert await store.get(bucket, f"{prefix}r", 95) == bytes(range(95, 100))


async def test_what_is_not_there_is_not_found(store: ObjectStore, bucket: str, prefix: str) -> None:
    with pytest.raises(NotFoundError):
        await store.get(bucket, f"{prefix}nothing")
    with pytest.raises(NotFoundError):
        await store.head(bucket, f"{prefix}nothing")


async def test_a_prefix_is_listed_in_order_and_deleted_whole(
    store: ObjectStore, bucket: str, prefix: str
) -> None:
    keys = [f"{prefix}{n:04}" for n in range(30)]
    await asyncio.gather(*(store.put(bucket, key, b"x", "text/plain") for key in keys))
    assert [item.key async for item in store.list(bucket, prefix)] == keys
    assert await store.delete_prefix(bucket, prefix) == 30
    assert [item.key async for item in store.list(bucket, prefix)] == []


async def test_a_whole_bucket_is_never_deleted_by_an_empty_prefix(store: ObjectStore, bucket: str) -> None:
    with pytest.raises(InvalidInputError):
        await store.delete_prefix(bucket, "")


async def test_presigned_parts_become_one_object(
    resources: Resources, store: ObjectStore, bucket: str, prefix: str
) -> None:
    key, bodies = f"{prefix}upload", [b"a" * (5 * MIB), b"b" * MIB]
    upload = await store.create_multipart(bucket, key, "video/mp4")
    async with httpx.AsyncClient() as http:
        for number, body in enumerate(bodies, 1):
            url = resources.presigner.part(bucket, key, upload, number, 60)
            (await http.put(url, content=body)).raise_for_status()
        parts = await store.list_parts(bucket, key, upload)
        assert [(part.number, part.size_bytes) for part in parts] == [(1, 5 * MIB), (2, MIB)]
        await store.complete_multipart(bucket, key, upload, parts)
        signed = resources.presigner.get(bucket, key, 60)
        ranged = await http.get(signed, headers={"range": f"bytes={5 * MIB - 1}-{5 * MIB}"})
    assert ranged.status_code == 206
    assert ranged.content == b"ab"


async def test_a_wrong_etag_is_refused_and_an_abort_may_come_twice(
    resources: Resources, store: ObjectStore, bucket: str, prefix: str
) -> None:
    key = f"{prefix}upload"
    upload = await store.create_multipart(bucket, key, "video/mp4")
    async with httpx.AsyncClient() as http:
        url = resources.presigner.part(bucket, key, upload, 1, 60)
        (await http.put(url, content=b"a")).raise_for_status()
    with pytest.raises(InvalidInputError):
        await store.complete_multipart(bucket, key, upload, [Part(1, "0" * 32)])
    await store.abort_multipart(bucket, key, upload)
    await store.abort_multipart(bucket, key, upload)
    with pytest.raises(NotFoundError):
        await store.list_parts(bucket, key, upload)


async def test_a_tampered_address_is_refused(
    resources: Resources, store: ObjectStore, bucket: str, prefix: str
) -> None:
    await store.put(bucket, f"{prefix}a", b"a", "text/plain")
    await store.put(bucket, f"{prefix}b", b"b", "text/plain")
    signed = resources.presigner.get(bucket, f"{prefix}a", 60)
    async with httpx.AsyncClient() as http:
        assert (await http.get(signed)).content == b"a"
        assert (await http.get(signed.replace(f"{prefix}a", f"{prefix}b"))).status_code == 403


async def test_a_store_that_is_away_is_unavailable_and_worth_repeating() -> None:
    async with open_store(S3Settings(endpoint="http://127.0.0.1:9", access_key="a")) as away:
        with pytest.raises(UnavailableError) as error:
            await away.head("mcsp-media", "x")
    assert error.value.retryable
