"""What the uploads service opens and its routes share, and how a person's own upload is found."""

from dataclasses import dataclass
from uuid import UUID

import asyncpg

from mcsp.database.pool import Connection
from mcsp.errors import ConflictError, NotFoundError
from mcsp.idempotency import Idempotency
from mcsp.presign import Presigner
from mcsp.s3 import ObjectStore
from streaming_api.uploads import repository
from streaming_api.uploads.repository import Upload


@dataclass(frozen=True)
class Uploads:
    """What the functions of this package work with."""

    pool: asyncpg.Pool
    store: ObjectStore
    presigner: Presigner
    bucket: str
    idempotency: Idempotency


async def find(
    connection: Connection | asyncpg.Pool, upload_id: UUID, owner_id: UUID, *, lock: bool = False
) -> Upload:
    """The person's own upload; NotFoundError for any other."""
    upload = await repository.get(connection, upload_id, owner_id, lock=lock)
    if upload is None:
        raise NotFoundError("upload_not_found", "You have no such upload.", action="Begin a new upload.")
    return upload


def refuse_ended(upload: Upload) -> None:
    """Raises ConflictError, which says how it ended, unless the upload is open."""
    if upload.state == "done":
        raise ConflictError(
            "upload_done", "This upload is complete.",
            action="Look at its item.", media_id=str(upload.media_id),
        )  # fmt: skip
    if upload.state != "open":
        raise ConflictError(
            f"upload_{upload.state}", f"This upload is {upload.state}.", action="Begin a new upload."
        )
