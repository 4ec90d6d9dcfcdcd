"""What the object store tells of objects, parts and unfinished uploads."""

from datetime import datetime

import msgspec


class ObjectHead(msgspec.Struct, frozen=True):
    """What the store knows of an object: ETag without quotes, size in bytes, content type."""

    etag: str
    size_bytes: int
    content_type: str
    cache_control: str = ""


class Part(msgspec.Struct, frozen=True):
    """A part of a multipart upload: its number (from 1), ETag without quotes, and size in bytes."""

    number: int
    etag: str
    size_bytes: int = 0


class OpenMultipart(msgspec.Struct, frozen=True):
    """A multipart upload that was neither completed nor aborted; ``upload`` is the store's id of it."""

    key: str
    upload: str
    begun_at: datetime


class MultipartPosition(msgspec.Struct, frozen=True):
    """Where a listing of unfinished multipart uploads goes on: S3's two markers, as the store gave them."""

    key: str = ""
    upload: str = ""


class StoredObject(msgspec.Struct, frozen=True):
    """One line of a listing."""

    key: str
    size_bytes: int
    etag: str
    modified_at: datetime
