"""What lies in the source bucket without a row: found a stretch a run, and dropped.

Both listings go round: each run goes on where the one before stopped, so that what is in order never hides
what is not. What does not belong here: uploads that have a row (``sweeps``).
"""

import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import msgspec

from mcsp.s3 import ObjectStore
from mcsp.s3_shapes import MultipartPosition, OpenMultipart
from streaming_api.uploads.each import each

AT_ONCE = 500
"""Objects, and multipart uploads, that a run looks at."""
ORPHAN_S = 3600
"""Younger than this, a multipart upload may still get its row."""

_KNOWN_UPLOADS = "SELECT store_upload FROM uploads.upload WHERE store_upload = ANY ($1) AND state = 'open'"
_KNOWN_KEYS = "SELECT key FROM uploads.upload WHERE upload_id = ANY ($1) AND state IN ('open', 'done')"
_CURSOR = "SELECT after_key, after_upload FROM uploads.sweep_cursor WHERE bucket = $1 AND listing = $2"
_MOVE_CURSOR = """
INSERT INTO uploads.sweep_cursor (bucket, listing, after_key, after_upload) VALUES ($1, $2, $3, $4)
ON CONFLICT (bucket, listing) DO UPDATE SET after_key = $3, after_upload = $4, updated_at = now()
"""


async def drop_orphan_uploads(
    pool: asyncpg.Pool, store: ObjectStore, bucket: str, older_s: float = ORPHAN_S, at_once: int = AT_ONCE
) -> int:
    """Multipart uploads that never got a row, or whose row has ended, a stretch of them a run."""
    cursor = await pool.fetchrow(_CURSOR, bucket, "multipart")
    after = MultipartPosition(*cursor) if cursor else None
    found, position = await store.list_multipart(bucket, "uploads/", at_once, after)
    position = position or MultipartPosition()
    await pool.execute(_MOVE_CURSOR, bucket, "multipart", position.key, position.upload)
    before = datetime.now(UTC) - timedelta(seconds=older_s)
    begun = [upload for upload in found if upload.begun_at < before]
    rows = await pool.fetch(_KNOWN_UPLOADS, [upload.upload for upload in begun])
    known = {row["store_upload"] for row in rows}

    async def drop(orphan: OpenMultipart) -> bool:
        await store.abort_multipart(bucket, orphan.key, orphan.upload)
        return True

    return await each([upload for upload in begun if upload.upload not in known], drop)


class _Stored(msgspec.Struct, frozen=True):
    key: str
    upload_id: UUID


async def drop_orphan_objects(
    pool: asyncpg.Pool, store: ObjectStore, bucket: str, older_s: float = ORPHAN_S, at_once: int = AT_ONCE
) -> int:
    """Objects ``uploads/{media}/{upload}`` without a row, a stretch of the bucket a run."""
    after = await pool.fetchval(_CURSOR, bucket, "objects") or ""
    found, last = await _next_stretch(store, bucket, after, at_once)
    await pool.execute(_MOVE_CURSOR, bucket, "objects", last, "")
    old = [stored for stored in found if _begun_at(stored.upload_id) < time.time() - older_s]
    rows = await pool.fetch(_KNOWN_KEYS, [stored.upload_id for stored in old])
    known = {row["key"] for row in rows}
    orphans = [stored.key for stored in old if stored.key not in known]
    await store.delete(bucket, orphans)
    return len(orphans)


async def _next_stretch(
    store: ObjectStore, bucket: str, after: str, at_once: int
) -> tuple[list[_Stored], str]:
    """Up to ``at_once`` keys behind ``after``, and where to go on: the beginning after the last key."""
    found: list[_Stored] = []
    seen = 0
    async for item in store.list(bucket, "uploads/", after=after):
        seen += 1
        parts = item.key.split("/")
        if len(parts) == 3 and _is_uuid(parts[2]):
            found.append(_Stored(item.key, UUID(parts[2])))
        if seen == at_once:
            return found, item.key
    return found, ""


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _begun_at(upload_id: UUID) -> float:
    """Unix seconds at which a UUIDv7 was made."""
    return (upload_id.int >> 80) / 1000
