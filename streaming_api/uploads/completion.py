"""``complete``: S3 joins the parts, then one transaction makes the item of them.

Safe to repeat and to kill anywhere: joining is idempotent, whether the parts were joined is read from S3
itself, and everything else is the one transaction.
"""

from uuid import UUID

import structlog

from mcsp.database.pool import Connection
from mcsp.errors import ConflictError, InvalidInputError, MCSPError, NotFoundError
from mcsp.idempotency import Answer, answer_of, digest_of
from mcsp.s3 import ObjectStore, Part
from streaming_api.uploads import repository
from streaming_api.uploads.checks import check_numbers, check_stored
from streaming_api.uploads.repository import Upload
from streaming_api.uploads.schemas import CompleteUpload, UploadCompleted
from streaming_api.uploads.state import Uploads, find, refuse_ended

log = structlog.get_logger()


async def complete_once(
    uploads: Uploads, upload_id: UUID, owner_id: UUID, request: CompleteUpload, key: str | None
) -> Answer:
    """``complete``: S3 joins the parts, then the one transaction. Gives the answer, 202.

    The key is looked at before S3 joins anything: a joined upload becomes an item, also where the request
    was refused. Raises ConflictError for the key of another request, InvalidInputError for one that is none.
    """
    upload = await find(uploads.pool, upload_id, owner_id)
    digest, scope = digest_of(f"complete {upload_id}", request), str(owner_id)
    if (known := await uploads.idempotency.known(scope=scope, key=key, digest=digest)) is not None:
        return known
    etag = await join(uploads, upload, [Part(part.number, part.etag) for part in request.parts])

    async def work(connection: Connection) -> Answer:
        return answer_of(202, UploadCompleted(await finish(connection, upload_id, owner_id, etag)))

    return await uploads.idempotency.run(work, scope=scope, key=key, digest=digest)


async def join(uploads: Uploads, upload: Upload, named: list[Part]) -> str:
    """Check the parts and have S3 join them; gives the object's ETag. Repeating gives the same.

    Raises InvalidInputError for parts that are not what S3 holds, ConflictError when the upload has ended.
    """
    if upload.state == "done" and upload.etag:
        return upload.etag
    refuse_ended(upload)
    check_numbers(named, upload.size_bytes, upload.part_size)
    try:
        stored = await uploads.store.list_parts(upload.bucket, upload.key, upload.store_upload)
        parts = check_stored(named, stored, upload.size_bytes, upload.part_size)
    except NotFoundError as gone:
        return await joined_etag(uploads.store, upload, gone)
    except InvalidInputError as wrong:
        return await _joined_meanwhile(uploads, upload, wrong)
    if not await repository.mark_joining(uploads.pool, upload):
        raise ConflictError("upload_ended", "This upload ended meanwhile.", action="Read it anew to see how.")
    try:
        await uploads.store.complete_multipart(upload.bucket, upload.key, upload.store_upload, parts)
    except NotFoundError as gone:
        return await joined_etag(uploads.store, upload, gone)
    except InvalidInputError as wrong:
        return await _joined_meanwhile(uploads, upload, wrong)
    return await joined_etag(uploads.store, upload)


async def _joined_meanwhile(uploads: Uploads, upload: Upload, wrong: InvalidInputError) -> str:
    """Parts also go missing because another `complete` joins them (then the object is there already), or
    because the upload was cancelled meanwhile (ConflictError: the parts are nobody's mistake).

    Raises ``wrong`` where neither is so.
    """
    if wrong.code not in {"parts_missing", "store_refused"}:
        raise wrong
    latest = await find(uploads.pool, upload.upload_id, upload.owner_id)
    if latest.state == "done" and latest.etag:
        return latest.etag
    refuse_ended(latest)
    try:
        return await joined_etag(uploads.store, upload)
    except (ConflictError, InvalidInputError):
        raise wrong from None


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
        raise InvalidInputError(
            "size_mismatch", "The stored file has another size than was announced.",
            action="Begin a new upload with the file's real size.",
        )  # fmt: skip
    return head.etag


async def finish(connection: Connection, upload_id: UUID, owner_id: UUID, etag: str) -> UUID:
    """The one transaction of ``complete`` (the caller's): upload, item, source, jobs. Gives the item.

    Raises ConflictError when the upload or its item ended meanwhile.
    """
    upload = await find(connection, upload_id, owner_id, lock=True)
    if upload.state == "done":
        return upload.media_id
    refuse_ended(upload)
    if not await repository.finish(connection, upload, etag):
        raise ConflictError("media_deleted", "This item was deleted.", action="Begin a new upload.")
    log.info("upload done", upload_id=str(upload_id), media_id=str(upload.media_id), bytes=upload.size_bytes)
    return upload.media_id
