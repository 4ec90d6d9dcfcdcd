"""An upload as its owner is shown it: after creation, in the list, with its parts."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from mcsp.pages import Page, decode_cursor, page_of
from mcsp.s3 import Part
from streaming_api.uploads import repository
from streaming_api.uploads.limits import part_count
from streaming_api.uploads.parts import sign_parts
from streaming_api.uploads.repository import Upload
from streaming_api.uploads.schemas import StoredPart, UploadCreated, UploadDetail, UploadView
from streaming_api.uploads.state import Uploads


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


class _Position(msgspec.Struct, frozen=True):
    at: datetime
    upload_id: UUID


async def open_page(uploads: Uploads, owner_id: UUID, cursor: str | None, limit: int) -> Page[UploadView]:
    """A page of the person's open uploads, newest first."""
    after = decode_cursor("uploads", _Position, cursor)
    before = (after.at, after.upload_id) if after else (None, None)
    rows = await repository.list_open(uploads.pool, owner_id, *before, limit + 1)
    views = [view_of(row) for row in rows]
    return page_of(views, limit, "uploads", lambda view: _Position(view.created_at, view.upload_id))
