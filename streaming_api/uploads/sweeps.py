"""The sweeper's duty for uploads: finish what was joined, expire what was left, clean what has ended.

Each run does a bounded amount; running twice at once or being killed anywhere does no harm. What does not
belong here: what lies in S3 without a row (``orphans``).
"""

from collections.abc import Awaitable, Callable

import asyncpg
import structlog
from prometheus_client import Gauge

from mcsp.errors import ConflictError, InvalidInputError
from mcsp.idempotency import Idempotency
from mcsp.s3 import ObjectStore
from mcsp.s3_errors import TOTAL_S
from mcsp.sweeper import SweepContext, every
from streaming_api.uploads import cancellation, completion, repository
from streaming_api.uploads.each import each
from streaming_api.uploads.orphans import drop_orphan_objects, drop_orphan_uploads
from streaming_api.uploads.repository import Upload

log = structlog.get_logger()

INTERVAL_S = 10
AT_ONCE = 50
"""Rows of each kind a run."""
JOINING_S = TOTAL_S + 30
"""A `complete` that has not ended after this was killed, or its client is gone: longer than the store may
take to join, else the sweeper would judge a join that is still under way."""
SETTLED_S = 60
"""An ended upload is cleaned once more after this: a PUT under way may have landed behind the first time."""

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
_OPEN = "SELECT count(*) FROM uploads.upload WHERE state = 'open'"
_OVERDUE = "SELECT count(*) FROM uploads.overdue"

OVERDUE = Gauge("mcsp_uploads_overdue", "Uploads long past their time that did not end; must be 0")


@every(INTERVAL_S)
async def sweep_uploads(context: SweepContext) -> dict[str, float]:
    """Run each part once, whatever becomes of the others; gives how much each did, and how many are open.

    Raises ExceptionGroup at the end with what failed.
    """
    pool, store = await context.pool("uploads"), await context.store()
    await measure(pool)
    bucket = context.settings.s3.bucket_source
    parts: dict[str, Callable[[], Awaitable[int]]] = {
        "finished": lambda: finish_joined(pool, store),
        "expired": lambda: expire(pool, store),
        "cleaned": lambda: clean_ended(pool, store),
        "orphan_uploads": lambda: drop_orphan_uploads(pool, store, bucket),
        "orphan_objects": lambda: drop_orphan_objects(pool, store, bucket),
        "forgotten_keys": Idempotency(pool, "uploads", context.cache).forget_old,
    }
    numbers: dict[str, float] = {"open": await pool.fetchval(_OPEN)}

    async def run(name: str) -> bool:
        numbers[name] = await parts[name]()
        return True

    await each(list(parts), run)
    return numbers


async def measure(pool: asyncpg.Pool) -> int:
    """Set the gauge, before anything that needs the store: it tells the truth while the sweep fails."""
    overdue = int(await pool.fetchval(_OVERDUE) or 0)
    OVERDUE.set(overdue)
    if overdue:
        log.error("uploads do not end", count=overdue)
    return overdue


async def finish_joined(pool: asyncpg.Pool, store: ObjectStore, older_s: float = JOINING_S) -> int:
    """`complete` was killed: do the rest where S3 had joined the parts, else open the upload again."""

    async def finish(row: asyncpg.Record) -> bool:
        upload = Upload(**row)
        if await _finished(pool, store, upload):
            return True
        await pool.execute(_NOT_JOINED, upload.upload_id, upload.joining_at)
        return False

    return await each(await pool.fetch(_JOINING, older_s, AT_ONCE), finish)


async def _finished(pool: asyncpg.Pool, store: ObjectStore, upload: Upload) -> bool:
    """Do the rest of `complete`; False where S3 has not joined the file, or the item is gone."""
    try:
        etag = await completion.joined_etag(store, upload)
        async with pool.acquire() as connection, connection.transaction():
            await completion.finish(connection, upload.upload_id, upload.owner_id, etag)
    except (ConflictError, InvalidInputError) as error:
        if error.code == "store_refused":  # this says nothing of the file
            raise
        log.info("upload not joined", upload_id=str(upload.upload_id), reason=error.code)
        return False
    return True


async def expire(pool: asyncpg.Pool, store: ObjectStore) -> int:
    """Open uploads past their time end, and their items with them; one whose file is whole is finished."""

    async def end(row: asyncpg.Record) -> bool:
        upload = Upload(**row)
        return not await _finished(pool, store, upload) and await _end(pool, upload)

    return await each(await pool.fetch(_EXPIRING, AT_ONCE), end)


async def _end(pool: asyncpg.Pool, upload: Upload) -> bool:
    """The upload expires, unless a `complete` came meanwhile."""
    async with pool.acquire() as connection, connection.transaction():
        if not await connection.fetchval(_STILL_EXPIRING, upload.upload_id):
            return False
        await repository.end(connection, upload, "expired")
    return True


async def clean_ended(pool: asyncpg.Pool, store: ObjectStore, settled_s: float = SETTLED_S) -> int:
    """Nothing of an aborted or expired upload stays in S3."""

    async def clean(row: asyncpg.Record) -> bool:
        await cancellation.clean(store, Upload(**row))
        await pool.execute(_CLEANED, row["upload_id"])
        return True

    return await each(await pool.fetch(_TO_CLEAN, settled_s, AT_ONCE), clean)
