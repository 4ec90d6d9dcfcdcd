"""What other rooms call in their own transaction, as their own role."""

import uuid

import asyncpg
import msgspec
import pytest

from mcsp.contracts.media import JobWake, Lifecycle
from mcsp.ids import uuid7
from tests.media_ops.postgres import Server

ENQUEUE = "SELECT media_ops.enqueue_source($1, $2, 'mcsp-source', $3, $4, 10, 'a.mp4', 'video/mp4')"


@pytest.fixture
async def connect(postgres_server: Server, database: str):
    opened: list[asyncpg.Connection] = []

    async def as_role(role: str) -> asyncpg.Connection:
        opened.append(await asyncpg.connect(postgres_server.dsn(role, database)))
        return opened[-1]

    yield as_role
    for connection in opened:
        await connection.close()


async def _enqueue(uploads: asyncpg.Connection, media_id: uuid.UUID, etag: str = "etag") -> int | None:
    return await uploads.fetchval(ENQUEUE, media_id, uuid7(), f"uploads/{media_id}/1", etag)


async def test_the_same_etag_twice_is_one_source_and_one_job(connect, pool) -> None:
    uploads, media_id = await connect("uploads"), uuid7()
    assert [await _enqueue(uploads, media_id) for _ in range(3)] == [1, 1, 1]
    assert await pool.fetchval("SELECT count(*) FROM media_ops.job WHERE media_id = $1", media_id) == 1
    assert await _enqueue(uploads, media_id, "other") == 2


async def test_a_source_wakes_the_workers_and_tells_its_lifecycle(connect, pool) -> None:
    uploads, media_id = await connect("uploads"), uuid7()
    await _enqueue(uploads, media_id)
    admin = await connect("outbox")
    messages = dict(
        await admin.fetch("SELECT topic, payload::text FROM outbox.message WHERE key = $1", str(media_id))
    )
    wake = msgspec.json.decode(messages["media.jobs"], type=JobWake)
    told = msgspec.json.decode(messages["media.lifecycle"], type=Lifecycle)
    assert (wake.media_id, wake.kind) == (media_id, "inspect")
    assert (told.media_id, told.status, told.event) == (media_id, "inspecting", "item")


async def test_a_rolled_back_complete_leaves_nothing(connect, pool) -> None:
    uploads, media_id = await connect("uploads"), uuid7()
    transaction = uploads.transaction()
    await transaction.start()
    await _enqueue(uploads, media_id)
    await transaction.rollback()
    assert await pool.fetchval("SELECT count(*) FROM media_ops.source") == 0
    assert await pool.fetchval("SELECT count(*) FROM media_ops.job") == 0


async def test_delete_cancels_all_work_and_leaves_a_purge_now_and_a_late_one(connect, pool) -> None:
    uploads, content, media_id = await connect("uploads"), await connect("content"), uuid7()
    await _enqueue(uploads, media_id)
    assert await content.fetchval("SELECT media_ops.delete_media($1)", media_id) is True
    assert await content.fetchval("SELECT media_ops.delete_media($1)", media_id) is False
    rows = await pool.fetch(
        "SELECT kind, state, due_at > now() AS later FROM media_ops.job ORDER BY kind, chunk"
    )
    assert [tuple(row) for row in rows] == [
        ("inspect", "cancelled", False), ("purge", "queued", False), ("purge", "queued", True),
    ]  # fmt: skip
    assert await _enqueue(uploads, media_id, "again") is None


async def test_roles_reach_only_what_is_published_to_them(connect) -> None:
    uploads, playback = await connect("uploads"), await connect("playback")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await uploads.fetch("SELECT * FROM media_ops.source")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await uploads.fetchval("SELECT media_ops.delete_media($1)", uuid7())
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await playback.fetchval(ENQUEUE, uuid7(), uuid7(), "k", "e")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await playback.fetchval("SELECT media_ops.replay_job($1)", uuid7())
    assert await playback.fetch("SELECT * FROM media_ops.playable") == []
