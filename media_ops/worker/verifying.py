"""Looks at finished versions once more, a while after their render, and has damaged ones rendered again.

The last line of defence: a store that ignores conditions on a put, or a person who changed an object, would
otherwise leave a list short for good. What does not belong here: rendering (``publisher``).
"""

from uuid import UUID

import asyncpg
import structlog

from mcsp.errors import MCSPError
from mcsp.s3 import ObjectStore
from media_ops.ledger import verifying
from media_ops.ledger.rendering import render_lock
from media_ops.worker.metrics import DAMAGED
from media_ops.worker.rendering import is_shown

log = structlog.get_logger()

AFTER_S = 90.0
"""Longer than any put may take with all its retries (``mcsp.s3_errors.TOTAL_S``)."""
MOST = 20


async def verify(pool: asyncpg.Pool, store: ObjectStore, *, after_s: float = AFTER_S) -> list[UUID]:
    """Look at what is due; gives the items of which a version is stale again.

    What cannot be looked at now stays due. Raises what the database raises.
    """
    damaged: list[UUID] = []
    for media_id in await verifying.unverified_items(pool, after_s, most=MOST):
        try:
            if not await _is_whole(pool, store, media_id, after_s):
                damaged.append(media_id)
        except MCSPError as error:
            log.warning("manifests not verified", media=str(media_id), error=str(error))
    return damaged


async def _is_whole(pool: asyncpg.Pool, store: ObjectStore, media_id: UUID, after_s: float) -> bool:
    whole = True
    async with render_lock(pool, media_id) as connection:
        if connection is None:
            return True  # somebody renders it just now: due again afterwards
        for manifest in await verifying.unverified(connection, media_id, after_s):
            shown = await is_shown(store, connection, media_id, manifest)
            await verifying.verified(connection, media_id, manifest, shown=shown)
            if not shown:
                DAMAGED.inc()
                log.error("manifest was damaged", media=str(media_id), version=manifest.version)
            whole = whole and shown
    return whole
