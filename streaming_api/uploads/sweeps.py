"""The sweeper's duty for uploads: finish what was joined, expire what was left, clean what has no row.

Each run does a bounded amount; running twice at once or being killed anywhere does no harm.
"""

import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import msgspec
import structlog

from mcsp.errors import ConflictError, InvalidInputError
from mcsp.idempotency import Idempotency
from mcsp.s3 import ObjectStore
from mcsp.s3_errors import TOTAL_S
from mcsp.sweeper import SweepContext, every
from streaming_api.uploads import logic, repository
from streaming_api.uploads.repository import Upload

log = structlog.get_logger()

INTERVAL_S = 10
AT_ONCE = 50
"""Rows of each kind a run."""
KEYS_AT_ONCE = 500
"""Keys of the source bucket that a run looks at; the next run goes on behind them."""
JOINING_S = TOTAL_S + 30
"""A `complete` that has not ended after this was killed, or its client is gone: longer than the store may
take to join, else the sweeper would judge a join that is still under way."""
SETTLED_S = 60
"""An ended upload is cleaned once more after this: a PUT under way may have landed behind the first time."""
ORPHAN_S = 3600
"""Younger than this, a multipart upload may still get its row."""

_COLUMNS = ", ".join(Upload.__struct_fields__)
_JOINING = f"""
SELECT {_COLUMNS} FROM uploads.upload
WHERE state = 'open' AND joining_at < now() - make_interval(secs => $1) ORDER BY joining_at LIMIT $2
"""  # noqa: S608 -- the columns are a constant
_NOT_JOINED = """
UPDATE uploads.upload SET joining_at = NULL WHERE upload_id = $1 AND state = 'open' AND joining_at = $2
"""
_EXPIRING = f"""
SELECT {_COLUMNS} FROM uploads.upload
WHERE state = 'open' AND expires_at < now() AND joining_at IS NULL ORDER BY expires_at LIMIT $1
"""  # noqa: S608 -- the columns are a constant
_STILL_EXPIRING = """
SELECT true FROM uploads.upload WHERE upload_id = $1 AND state = 'open' AND joining_at IS NULL FOR UPDATE
"""
_TO_CLEAN = f"""
SELECT {_COLUMNS} FROM uploads.upload
WHERE state IN ('aborted', 'expired') AND cleaned_at IS NULL AND ended_at < now() - make_interval(secs => $1)
ORDER BY ended_at LIMIT $2
"""  # noqa: S608 -- the columns are a constant
_CLEANED = "UPDATE uploads.upload SET cleaned_at = now() WHERE upload_id = $1"
_KNOWN_UPLOADS = "SELECT store_upload FROM uploads.upload WHERE store_upload = ANY ($1) AND state = 'open'"
_KNOWN_KEYS = "SELECT key FROM uploads.upload WHERE upload_id = ANY ($1) AND state IN ('open', 'done')"
_CURSOR = "SELECT after_key FROM uploads.sweep_cursor WHERE bucket = $1"
_MOVE_CURSOR = """
INSERT INTO uploads.sweep_cursor (bucket, after_key) VALUES ($1, $2)
ON CONFLICT (bucket) DO UPDATE SET after_key = $2, updated_at = now()
"""
_OPEN = "SELECT count(*) FROM uploads.upload WHERE state = 'open'"


@every(INTERVAL_S)
async def sweep_uploads(context: SweepContext) -> dict[str, float]:
    """Run each part once; gives how much each did, and how many uploads are open."""
    pool, store = await context.pool("uploads"), await context.store()
    bucket = context.settings.s3.bucket_source
    return {
        "finished": await finish_joined(pool, store),
        "expired": await expire(pool, store),
        "cleaned": await clean_ended(pool, store),
        "orphan_uploads": await drop_orphan_uploads(pool, store, bucket),
        "orphan_objects": await drop_orphan_objects(pool, store, bucket),
        "forgotten_keys": await Idempotency(pool, "uploads", context.cache).forget_old(),
        "open": await pool.fetchval(_OPEN),
    }


async def finish_joined(pool: asyncpg.Pool, store: ObjectStore, older_s: float = JOINING_S) -> int:
    """`complete` was killed: do the rest where S3 had joined the parts, else open the upload again."""
    done = 0
    for row in await pool.fetch(_JOINING, older_s, AT_ONCE):
        upload = Upload(**row)
        try:
            await _finish(pool, store, upload)
            done += 1
        except (ConflictError, InvalidInputError) as error:
            log.info("upload not joined", upload_id=str(upload.upload_id), reason=error.code)
            await pool.execute(_NOT_JOINED, upload.upload_id, upload.joining_at)
    return done


async def _finish(pool: asyncpg.Pool, store: ObjectStore, upload: Upload) -> None:
    """The rest of `complete`. Raises ConflictError or InvalidInputError where S3 has not joined the file."""
    etag = await logic.joined_etag(store, upload)
    async with pool.acquire() as connection, connection.transaction():
        await logic.finish(connection, upload.upload_id, upload.owner_id, etag)


async def expire(pool: asyncpg.Pool, store: ObjectStore) -> int:
    """Open uploads past their time end, and their items with them; one whose file is whole is finished."""
    ended = 0
    for row in await pool.fetch(_EXPIRING, AT_ONCE):
        upload = Upload(**row)
        try:
            await _finish(pool, store, upload)
        except (ConflictError, InvalidInputError):
            ended += await _end(pool, upload)
    return ended


async def _end(pool: asyncpg.Pool, upload: Upload) -> bool:
    """The upload expires, unless a `complete` came meanwhile."""
    async with pool.acquire() as connection, connection.transaction():
        if not await connection.fetchval(_STILL_EXPIRING, upload.upload_id):
            return False
        await repository.end(connection, upload, "expired")
    return True


async def clean_ended(pool: asyncpg.Pool, store: ObjectStore, settled_s: float = SETTLED_S) -> int:
    """Nothing of an aborted or expired upload stays in S3."""
    rows = await pool.fetch(_TO_CLEAN, settled_s, AT_ONCE)
    for row in rows:
        await logic.clean(store, Upload(**row))
        await pool.execute(_CLEANED, row["upload_id"])
    return len(rows)


async def drop_orphan_uploads(
    pool: asyncpg.Pool, store: ObjectStore, bucket: str, older_s: float = ORPHAN_S
) -> int:
    """Multipart uploads that never got a row, or whose row has ended."""
    before = datetime.now(UTC) - timedelta(seconds=older_s)
    begun = [u for u in await store.list_multipart(bucket, "uploads/", KEYS_AT_ONCE) if u.begun_at < before]
    rows = await pool.fetch(_KNOWN_UPLOADS, [upload.upload for upload in begun])
    known = {row["store_upload"] for row in rows}
    orphans = [upload for upload in begun if upload.upload not in known]
    for orphan in orphans:
        await store.abort_multipart(bucket, orphan.key, orphan.upload)
    return len(orphans)


class _Stored(msgspec.Struct, frozen=True):
    key: str
    upload_id: UUID


async def drop_orphan_objects(
    pool: asyncpg.Pool, store: ObjectStore, bucket: str, older_s: float = ORPHAN_S
) -> int:
    """Objects ``uploads/{media}/{upload}`` without a row, a stretch of the bucket a run."""
    found, last = await _next_stretch(store, bucket, await pool.fetchval(_CURSOR, bucket) or "")
    old = [stored for stored in found if _begun_at(stored.upload_id) < time.time() - older_s]
    rows = await pool.fetch(_KNOWN_KEYS, [stored.upload_id for stored in old])
    known = {row["key"] for row in rows}
    orphans = [stored.key for stored in old if stored.key not in known]
    await store.delete(bucket, orphans)
    await pool.execute(_MOVE_CURSOR, bucket, last)
    return len(orphans)


async def _next_stretch(store: ObjectStore, bucket: str, after: str) -> tuple[list[_Stored], str]:
    """Up to ``KEYS_AT_ONCE`` keys behind ``after``, and where to go on: the beginning after the last key."""
    found: list[_Stored] = []
    seen = 0
    async for item in store.list(bucket, "uploads/", after=after):
        seen += 1
        parts = item.key.split("/")
        if len(parts) == 3 and _is_uuid(parts[2]):
            found.append(_Stored(item.key, UUID(parts[2])))
        if seen == KEYS_AT_ONCE:
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
