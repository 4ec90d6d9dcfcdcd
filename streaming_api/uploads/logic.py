"""The life of an upload: created, signed, resumed, completed or aborted. Routes and SQL stand elsewhere.

``complete`` is safe to repeat and to kill anywhere: joining the parts in S3 is idempotent, whether they were
joined is read from S3 itself, and everything else is one transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import msgspec
import structlog

from mcsp.database.pool import Connection
from mcsp.errors import (
    ConflictError,
    InvalidInputError,
    MCSPError,
    NotFoundError,
    RateLimitedError,
    UnavailableError,
)
from mcsp.idempotency import Answer, Idempotency, answer_of, digest_of
from mcsp.ids import uuid7
from mcsp.pages import Page, decode_cursor, page_of
from mcsp.presign import Presigner
from mcsp.s3 import ObjectStore, Part
from streaming_api import labels
from streaming_api.uploads import limits, repository
from streaming_api.uploads.checks import check_numbers, check_stored
from streaming_api.uploads.limits import part_count, size_of_part
from streaming_api.uploads.repository import Upload
from streaming_api.uploads.schemas import (
    CompleteUpload,
    NewUpload,
    SignedPart,
    SignedParts,
    StoredPart,
    UploadCompleted,
    UploadCreated,
    UploadDetail,
    UploadView,
    checked_content_type,
)

log = structlog.get_logger()


@dataclass(frozen=True)
class Uploads:
    """What the functions below work with."""

    pool: asyncpg.Pool
    store: ObjectStore
    presigner: Presigner
    bucket: str
    idempotency: Idempotency


class _Begun(msgspec.Struct, frozen=True):
    """What is kept of a creation: a repeat gets fresh addresses, not the old ones."""

    upload_id: UUID


class _Position(msgspec.Struct, frozen=True):
    at: datetime
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
            action="Finish or cancel some of them.", retry_after_s=60,
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


async def find(
    connection: Connection | asyncpg.Pool, upload_id: UUID, owner_id: UUID, *, lock: bool = False
) -> Upload:
    """The person's own upload; NotFoundError for any other."""
    upload = await repository.get(connection, upload_id, owner_id, lock=lock)
    if upload is None:
        raise NotFoundError("upload_not_found", "You have no such upload.")
    return upload


def sign_parts(
    uploads: Uploads, upload: Upload, first: int, limit: int = limits.SIGNED_AT_ONCE
) -> SignedParts:
    """Addresses of parts from ``first`` on. Each takes exactly the bytes of its part."""
    _refuse_ended(upload)
    count = part_count(upload.size_bytes, upload.part_size)
    if not 1 <= first <= count:
        raise InvalidInputError("no_such_part", f"This upload has the parts 1 to {count}.")
    last = min(count, first + limit - 1)
    parts = [_signed(uploads, upload, number) for number in range(first, last + 1)]
    return SignedParts(upload.upload_id, parts, last + 1 if last < count else None)


def _signed(uploads: Uploads, upload: Upload, number: int) -> SignedPart:
    size = size_of_part(number, upload.size_bytes, upload.part_size)
    url = uploads.presigner.part(
        upload.bucket, upload.key, upload.store_upload, number, limits.SIGNED_S, size_bytes=size
    )
    return SignedPart(number, url, size)


def _refuse_ended(upload: Upload) -> None:
    if upload.state == "done":
        raise ConflictError("upload_done", "This upload is complete.", media_id=str(upload.media_id))
    if upload.state != "open":
        raise ConflictError(
            f"upload_{upload.state}", f"This upload is {upload.state}.", action="Begin a new upload."
        )


def created_view(uploads: Uploads, upload: Upload) -> UploadCreated:
    """The answer to a creation; without addresses when the upload has ended since."""
    parts = sign_parts(uploads, upload, 1).parts if upload.state == "open" else []
    count = part_count(upload.size_bytes, upload.part_size)
    return UploadCreated(upload.upload_id, upload.media_id, upload.part_size, count, parts, upload.expires_at)


def view_of(upload: Upload) -> UploadView:
    """An upload as its owner sees it in a list."""
    return UploadView(
        upload_id=upload.upload_id,
        media_id=upload.media_id,
        state=upload.state,
        filename=upload.filename,
        content_type=upload.content_type,
        size=upload.size_bytes,
        part_size=upload.part_size,
        part_count=part_count(upload.size_bytes, upload.part_size),
        created_at=upload.created_at,
        expires_at=upload.expires_at,
    )


def detail_of(upload: Upload, stored: Sequence[Part]) -> UploadDetail:
    """An upload with the parts that S3 holds."""
    parts = [StoredPart(part.number, part.etag, part.size_bytes) for part in stored]
    return UploadDetail(**msgspec.structs.asdict(view_of(upload)), parts=parts)


async def open_page(uploads: Uploads, owner_id: UUID, cursor: str | None, limit: int) -> Page[UploadView]:
    """A page of the person's open uploads, newest first."""
    after = decode_cursor("uploads", _Position, cursor)
    before = (after.at, after.upload_id) if after else (None, None)
    rows = await repository.list_open(uploads.pool, owner_id, *before, limit + 1)
    views = [view_of(row) for row in rows]
    return page_of(views, limit, "uploads", lambda view: _Position(view.created_at, view.upload_id))


async def stored_parts(uploads: Uploads, upload: Upload) -> Sequence[Part]:
    """The parts S3 holds of an open upload; none when it has ended or is being joined."""
    if upload.state != "open":
        return []
    try:
        return await uploads.store.list_parts(upload.bucket, upload.key, upload.store_upload)
    except NotFoundError:
        return []


async def join(uploads: Uploads, upload: Upload, named: list[Part]) -> str:
    """Check the parts and have S3 join them; gives the object's ETag. Repeating gives the same.

    Raises InvalidInputError for parts that are not what S3 holds, ConflictError when the upload has ended.
    """
    if upload.state == "done" and upload.etag:
        return upload.etag
    _refuse_ended(upload)
    check_numbers(named, upload.size_bytes, upload.part_size)
    try:
        stored = await uploads.store.list_parts(upload.bucket, upload.key, upload.store_upload)
    except NotFoundError as gone:
        return await joined_etag(uploads.store, upload, gone)
    parts = check_stored(named, stored, upload.size_bytes, upload.part_size)
    if not await repository.mark_joining(uploads.pool, upload):
        raise ConflictError("upload_ended", "This upload ended meanwhile.", action="Look at its state.")
    try:
        await uploads.store.complete_multipart(upload.bucket, upload.key, upload.store_upload, parts)
    except NotFoundError as gone:
        return await joined_etag(uploads.store, upload, gone)
    return await joined_etag(uploads.store, upload)


async def joined_etag(store: ObjectStore, upload: Upload, gone: MCSPError | None = None) -> str:
    """The ETag of the joined object, asked of S3 itself: an earlier call may have joined it and died.

    ConflictError when there is none, or one of another size (``gone``: why we had to ask).
    """
    try:
        head = await store.head(upload.bucket, upload.key)
    except NotFoundError:
        raise ConflictError(
            "upload_gone", "The store knows this upload no longer.", action="Begin a new upload."
        ) from gone
    if head.size_bytes != upload.size_bytes:
        raise InvalidInputError("size_mismatch", "The stored file has another size than was announced.")
    return head.etag


async def complete_once(
    uploads: Uploads, upload_id: UUID, owner_id: UUID, request: CompleteUpload, key: str | None
) -> Answer:
    """``complete``: S3 joins the parts, then the one transaction. Gives the answer, 202."""
    upload = await find(uploads.pool, upload_id, owner_id)
    etag = await join(uploads, upload, [Part(part.number, part.etag) for part in request.parts])

    async def work(connection: Connection) -> Answer:
        return answer_of(202, UploadCompleted(await finish(connection, upload_id, owner_id, etag)))

    digest = digest_of(f"complete {upload_id}", request)
    return await uploads.idempotency.run(work, scope=str(owner_id), key=key, digest=digest)


async def finish(connection: Connection, upload_id: UUID, owner_id: UUID, etag: str) -> UUID:
    """The one transaction of ``complete`` (the caller's): upload, item, source, jobs. Gives the item.

    Raises ConflictError when the upload or its item ended meanwhile.
    """
    upload = await find(connection, upload_id, owner_id, lock=True)
    if upload.state == "done":
        return upload.media_id
    _refuse_ended(upload)
    if not await repository.finish(connection, upload, etag):
        raise ConflictError("media_deleted", "This item was deleted.", action="Begin a new upload.")
    log.info("upload done", upload_id=str(upload_id), media_id=str(upload.media_id), bytes=upload.size_bytes)
    return upload.media_id


async def abort(connection: Connection, upload_id: UUID, owner_id: UUID) -> Upload:
    """End an open upload and drop its item, inside the caller's transaction; once more changes nothing.

    Raises ConflictError for one that is done. What lies in S3 goes by ``clean`` afterwards.
    """
    upload = await find(connection, upload_id, owner_id, lock=True)
    if upload.state == "done":
        raise ConflictError("upload_done", "This upload is complete.", action="Delete the item instead.")
    if upload.state == "open":
        await repository.end(connection, upload, "aborted")
    return upload


async def abort_and_clean(uploads: Uploads, upload_id: UUID, owner_id: UUID) -> None:
    """End the upload, then clean S3; should that fail, the sweeper does it (and does it once more anyway)."""
    async with uploads.pool.acquire() as connection, connection.transaction():
        upload = await abort(connection, upload_id, owner_id)
    try:
        await clean(uploads.store, upload)
    except UnavailableError as error:
        log.warning("upload not cleaned yet", upload_id=str(upload_id), reason=error.message)


async def clean(store: ObjectStore, upload: Upload) -> None:
    """Nothing of an ended upload stays in S3: its parts first, then an object they were joined to."""
    await store.abort_multipart(upload.bucket, upload.key, upload.store_upload)
    await store.delete(upload.bucket, [upload.key])
