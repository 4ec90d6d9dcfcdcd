"""The parts of an upload: the addresses that take them, and those that S3 holds."""

from collections.abc import Sequence

from mcsp.errors import InvalidInputError, NotFoundError
from mcsp.s3 import Part
from streaming_api.uploads import limits
from streaming_api.uploads.limits import part_count, size_of_part
from streaming_api.uploads.repository import Upload
from streaming_api.uploads.schemas import SignedPart, SignedParts
from streaming_api.uploads.state import Uploads, refuse_ended


def sign_parts(
    uploads: Uploads, upload: Upload, first: int, limit: int = limits.SIGNED_AT_ONCE
) -> SignedParts:
    """Addresses of parts from ``first`` on. Each takes exactly the bytes of its part."""
    refuse_ended(upload)
    count = part_count(upload.size_bytes, upload.part_size)
    if not 1 <= first <= count:
        raise InvalidInputError(
            "no_such_part", f"This upload has the parts 1 to {count}.", action="Ask for one of these."
        )
    last = min(count, first + limit - 1)
    parts = [_signed(uploads, upload, number) for number in range(first, last + 1)]
    return SignedParts(upload.upload_id, parts, last + 1 if last < count else None)


def _signed(uploads: Uploads, upload: Upload, number: int) -> SignedPart:
    size = size_of_part(number, upload.size_bytes, upload.part_size)
    url = uploads.presigner.part(
        upload.bucket, upload.key, upload.store_upload, number, limits.SIGNED_S, size_bytes=size
    )
    return SignedPart(number, url, size)


async def stored_parts(uploads: Uploads, upload: Upload) -> Sequence[Part]:
    """The parts S3 holds of an open upload; none when it has ended or is being joined."""
    if upload.state != "open":
        return []
    try:
        return await uploads.store.list_parts(upload.bucket, upload.key, upload.store_upload)
    except NotFoundError:
        return []
