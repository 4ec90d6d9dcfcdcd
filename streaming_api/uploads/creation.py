"""An upload begins: S3 first, then one transaction with its row and its item's.

Should the transaction not follow, what was begun in S3 is dropped, by ``orphans`` at the latest.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import msgspec
import structlog

from mcsp.database.pool import Connection
from mcsp.errors import MCSPError, RateLimitedError, UnavailableError
from mcsp.idempotency import Answer, answer_of, digest_of
from mcsp.ids import uuid7
from streaming_api import labels
from streaming_api.uploads import limits, repository
from streaming_api.uploads.repository import Upload
from streaming_api.uploads.schemas import NewUpload, checked_content_type
from streaming_api.uploads.state import Uploads, find

log = structlog.get_logger()


class _Begun(msgspec.Struct, frozen=True):
    """What is kept of a creation: a repeat gets fresh addresses, not the old ones."""

    upload_id: UUID


async def create_once(
    uploads: Uploads, owner_id: UUID, new: NewUpload, key: str | None
) -> tuple[Upload, bool]:
    """Begin an upload, once by ``key``; the upload, and whether it had been begun before.

    S3 is asked before the transaction, which would hold its connection and the person's lock for as long
    as S3 takes. Raises InvalidInputError and TooLargeError for the request, RateLimitedError at too many
    open uploads.
    """
    digest, scope = digest_of("create upload", new), str(owner_id)
    if (answer := await uploads.idempotency.known(scope=scope, key=key, digest=digest)) is None:
        answer = await _create(uploads, owner_id, new, key, digest)
    begun = msgspec.json.decode(answer.body, type=_Begun)
    return await find(uploads.pool, begun.upload_id, owner_id), answer.replayed


async def _create(uploads: Uploads, owner_id: UUID, new: NewUpload, key: str | None, digest: bytes) -> Answer:
    title = labels.title_of(new.title, new.filename)
    await _check_room(uploads.pool, owner_id)
    upload = await _begun(uploads, owner_id, new)

    async def work(connection: Connection) -> Answer:
        await repository.lock_person(connection, owner_id)
        await _check_room(connection, owner_id)
        await repository.insert(connection, upload, title, new.visibility)
        return answer_of(201, _Begun(upload.upload_id))

    try:
        answer = await uploads.idempotency.run(work, scope=str(owner_id), key=key, digest=digest)
    except MCSPError:
        await _take_back(uploads, upload)
        raise
    if answer.replayed:
        await _take_back(uploads, upload)
    return answer


async def _check_room(connection: Connection | asyncpg.Pool, owner_id: UUID) -> None:
    """Asked twice: before S3 is troubled, and under the person's lock, where it holds."""
    if await repository.count_open(connection, owner_id) >= limits.MAX_OPEN_UPLOADS:
        raise RateLimitedError(
            "too_many_uploads", f"You have {limits.MAX_OPEN_UPLOADS} uploads under way.",
            action="Finish one of them or discard it.", retry_after_s=60,
        )  # fmt: skip


async def _take_back(uploads: Uploads, upload: Upload) -> None:
    """No row stands for this multipart upload; should S3 be away now, the sweeper finds it."""
    try:
        await uploads.store.abort_multipart(upload.bucket, upload.key, upload.store_upload)
    except UnavailableError as error:
        log.warning("multipart upload left to the sweeper", key=upload.key, reason=error.message)


async def _begun(uploads: Uploads, owner_id: UUID, new: NewUpload) -> Upload:
    """S3 first: should the row not follow, the sweeper finds a multipart upload without one."""
    limits.check_size(new.size)
    content_type = checked_content_type(new.content_type)
    upload_id, media_id, now = uuid7(), uuid7(), datetime.now(UTC)
    key = f"uploads/{media_id}/{upload_id}"
    return Upload(
        upload_id=upload_id,
        media_id=media_id,
        owner_id=owner_id,
        filename=labels.label_of(new.filename),
        content_type=content_type,
        size_bytes=new.size,
        part_size=limits.part_size_of(new.size),
        bucket=uploads.bucket,
        key=key,
        store_upload=await uploads.store.create_multipart(uploads.bucket, key, content_type),
        state="open",
        etag=None,
        created_at=now,
        expires_at=now + timedelta(seconds=limits.EXPIRES_S),
        joining_at=None,
    )
