"""Requests and answers of uploads. Sizes in bytes, times RFC 3339 UTC."""

import re
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from mcsp.errors import InvalidInputError
from streaming_api.labels import TITLE_MAX
from streaming_api.uploads.limits import MAX_PARTS

_CONTENT_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}", re.ASCII)
_UNKNOWN_TYPE = "application/octet-stream"

Visibility = Literal["public", "unlisted", "private"]
PartNumber = Annotated[int, msgspec.Meta(ge=1, le=MAX_PARTS)]


class NewUpload(msgspec.Struct, frozen=True):
    """``POST /v1/uploads``. ``filename`` and ``content_type`` are labels; the file itself is inspected."""

    filename: Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]
    size: Annotated[int, msgspec.Meta(le=(1 << 63) - 1)]
    content_type: Annotated[str, msgspec.Meta(max_length=255)]
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=TITLE_MAX)] | None = None
    visibility: Visibility = "public"


class SignedPart(msgspec.Struct, frozen=True):
    """The address that takes the PUT of one part, of exactly ``size`` bytes."""

    number: int
    url: str
    size: int


class UploadCreated(msgspec.Struct, frozen=True):
    upload_id: UUID
    media_id: UUID
    part_size: int
    part_count: int
    parts: list[SignedPart]
    expires_at: datetime


class SignedParts(msgspec.Struct, frozen=True, omit_defaults=True):
    """Parts from the one asked for on; ``next_from`` is absent when the last one is among them."""

    upload_id: UUID
    parts: list[SignedPart]
    next_from: int | None = None


class StoredPart(msgspec.Struct, frozen=True):
    """A part that S3 holds."""

    number: int
    etag: str
    size: int


class UploadView(msgspec.Struct, frozen=True):
    """An upload in a list."""

    upload_id: UUID
    media_id: UUID
    state: Literal["open", "done", "aborted", "expired"]
    filename: str
    content_type: str
    size: int
    part_size: int
    part_count: int
    created_at: datetime
    expires_at: datetime


class UploadDetail(UploadView, frozen=True):
    """One upload with the parts that S3 holds: what a client needs to go on after a break."""

    parts: list[StoredPart]


class NamedPart(msgspec.Struct, frozen=True):
    """A part as the client knows it: the ETag that its PUT was answered with, quoted or not."""

    number: PartNumber
    etag: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]


class CompleteUpload(msgspec.Struct, frozen=True):
    parts: Annotated[list[NamedPart], msgspec.Meta(min_length=1, max_length=MAX_PARTS)]


class UploadCompleted(msgspec.Struct, frozen=True):
    media_id: UUID


def checked_content_type(content_type: str) -> str:
    """Type and subtype in lower case (RFC 6838), without parameters; empty is unknown."""
    bare = content_type.split(";", 1)[0].strip().lower()
    if not bare:
        return _UNKNOWN_TYPE
    if not _CONTENT_TYPE.fullmatch(bare):
        raise InvalidInputError(
            "bad_content_type", "content_type must look like video/mp4.",
            action="Send the file's type, or leave it out: the file itself is looked at.",
        )  # fmt: skip
    return bare
