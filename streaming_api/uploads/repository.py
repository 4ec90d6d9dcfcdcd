"""Rows of ``uploads.upload``. A person's queries carry the owner; the sweeper's stand in ``sweeps``."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import asyncpg
import msgspec

from mcsp.database.pool import Connection
from mcsp.telemetry.traces import outgoing

State = Literal["open", "done", "aborted", "expired"]

_COLUMNS = """upload_id, media_id, owner_id, filename, content_type, size_bytes, part_size, bucket, key,
    store_upload, state, etag, created_at, expires_at, joining_at"""
_LOCK_PERSON = "SELECT pg_advisory_xact_lock(hashtextextended('uploads:' || $1::text, 0))"
_COUNT_OPEN = "SELECT count(*) FROM uploads.upload WHERE owner_id = $1 AND state = 'open'"
_INSERT = """
INSERT INTO uploads.upload (upload_id, media_id, owner_id, filename, content_type, size_bytes, part_size,
                            bucket, key, store_upload, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
"""
_GET = f"SELECT {_COLUMNS} FROM uploads.upload WHERE upload_id = $1 AND owner_id = $2"  # noqa: S608 -- the columns are a constant
_OPEN = f"""
SELECT {_COLUMNS} FROM uploads.upload
WHERE owner_id = $1 AND state = 'open' AND ($2::timestamptz IS NULL OR (created_at, upload_id) < ($2, $3))
ORDER BY created_at DESC, upload_id DESC LIMIT $4
"""  # noqa: S608 -- the columns are a constant
_JOINING = """
UPDATE uploads.upload SET joining_at = now() WHERE upload_id = $1 AND owner_id = $2 AND state = 'open'
RETURNING true
"""
_DONE = """
UPDATE uploads.upload SET state = 'done', etag = $3, ended_at = now()
WHERE upload_id = $1 AND owner_id = $2 AND state = 'open'
"""
_END = """
UPDATE uploads.upload SET state = $3, ended_at = now()
WHERE upload_id = $1 AND owner_id = $2 AND state = 'open'
"""
_CREATE_MEDIA = "SELECT content.create_media($1, $2, $3, $4)"
_ENSURE_CHANNEL = "SELECT content.ensure_channel($1)"
_DECIDE_AUDIENCE = "SELECT content.decide_audience($1)"
_DROP_MEDIA = "SELECT content.drop_unfinished($1)"
_ENQUEUE = """
SELECT media_ops.enqueue_source($1, $2, $3, $4, $5, $6, $7, $8)
FROM set_config('mcsp.trace', $9::jsonb::text, true)
"""


class Upload(msgspec.Struct, frozen=True):
    """One upload. Sizes in bytes; ``store_upload`` is S3's id of the multipart upload."""

    upload_id: UUID
    media_id: UUID
    owner_id: UUID
    filename: str
    content_type: str
    size_bytes: int
    part_size: int
    bucket: str
    key: str
    store_upload: str
    state: State
    etag: str | None
    created_at: datetime
    expires_at: datetime
    joining_at: datetime | None


async def lock_person(connection: Connection, owner_id: UUID) -> None:
    """One person's creations stand in line until the transaction ends, so that a limit holds."""
    await connection.execute(_LOCK_PERSON, str(owner_id))


async def count_open(connection: Connection | asyncpg.Pool, owner_id: UUID) -> int:
    count = await connection.fetchval(_COUNT_OPEN, owner_id)
    return int(count or 0)


async def insert(connection: Connection, upload: Upload, title: str, visibility: str) -> None:
    """The upload's row, the item's row and, at a first upload, the person's channel."""
    await connection.execute(
        _INSERT, upload.upload_id, upload.media_id, upload.owner_id, upload.filename, upload.content_type,
        upload.size_bytes, upload.part_size, upload.bucket, upload.key, upload.store_upload,
        upload.expires_at,
    )  # fmt: skip
    await connection.execute(_ENSURE_CHANNEL, upload.owner_id)
    await connection.execute(_CREATE_MEDIA, upload.media_id, upload.owner_id, title, visibility)


async def get(
    connection: Connection | asyncpg.Pool, upload_id: UUID, owner_id: UUID, *, lock: bool = False
) -> Upload | None:
    """The person's upload, its row locked until the transaction ends where asked."""
    row = await connection.fetchrow(_GET + (" FOR UPDATE" if lock else ""), upload_id, owner_id)
    return row and Upload(**row)


async def list_open(
    connection: Connection | asyncpg.Pool,
    owner_id: UUID,
    before: datetime | None,
    before_id: UUID | None,
    limit: int,
) -> list[Upload]:
    """The person's open uploads, newest first, older than (``before``, ``before_id``)."""
    return [Upload(**row) for row in await connection.fetch(_OPEN, owner_id, before, before_id, limit)]


async def mark_joining(connection: Connection | asyncpg.Pool, upload: Upload) -> bool:
    """From here the sweeper finishes this upload should we not; False when it is open no longer."""
    return bool(await connection.fetchval(_JOINING, upload.upload_id, upload.owner_id))


async def finish(connection: Connection, upload: Upload, etag: str) -> bool:
    """Upload done, audience decided, source and jobs put: all in the caller's transaction, which holds
    the upload's row. False when the item was deleted meanwhile: then nothing was done."""
    if not await connection.fetchval(_DECIDE_AUDIENCE, upload.media_id):
        return False
    await connection.execute(_DONE, upload.upload_id, upload.owner_id, etag)
    await connection.fetchval(
        _ENQUEUE, upload.media_id, upload.owner_id, upload.bucket, upload.key, etag, upload.size_bytes,
        upload.filename, upload.content_type, outgoing(),
    )  # fmt: skip
    return True


async def end(connection: Connection, upload: Upload, state: Literal["aborted", "expired"]) -> None:
    """The upload ends without an item; the caller's transaction holds its row."""
    await connection.execute(_END, upload.upload_id, upload.owner_id, state)
    await connection.execute(_DROP_MEDIA, upload.media_id)
