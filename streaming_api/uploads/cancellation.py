"""An upload is cancelled, and nothing of it stays in S3."""

from uuid import UUID

import structlog

from mcsp.database.pool import Connection
from mcsp.errors import ConflictError, UnavailableError
from mcsp.s3 import ObjectStore
from streaming_api.uploads import repository
from streaming_api.uploads.repository import Upload
from streaming_api.uploads.state import Uploads, find

log = structlog.get_logger()


async def abort_and_clean(uploads: Uploads, upload_id: UUID, owner_id: UUID) -> None:
    """End the upload, then clean S3; should that fail, the sweeper does it (and does it once more anyway)."""
    async with uploads.pool.acquire() as connection, connection.transaction():
        upload = await abort(connection, upload_id, owner_id)
    try:
        await clean(uploads.store, upload)
    except UnavailableError as error:
        log.warning("upload not cleaned yet", upload_id=str(upload_id), reason=error.message)


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


async def clean(store: ObjectStore, upload: Upload) -> None:
    """Nothing of an ended upload stays in S3: its parts first, then an object they were joined to."""
    await store.abort_multipart(upload.bucket, upload.key, upload.store_upload)
    await store.delete(upload.bucket, [upload.key])
