"""Leases lost with their worker: no attempts, leased again at once, dead after twenty in a row.

What does not belong here: errors of the work itself (``endings``).
"""

from uuid import UUID

import asyncpg
import msgspec

from mcsp.telemetry.traces import continued
from media_ops.ledger import endings
from media_ops.ledger.endings import JobError
from media_ops.ledger.leases import Lease
from media_ops.ledger.transaction import item_transaction

LOST_LEASES = 20
"""In a row without anything new published: what kills its worker that often is killed by us."""

WORKER_LOST = JobError(
    "worker_lost", "The work on this file was interrupted again and again.",
    "Try again; if it happens once more, the file may be too demanding.", True,
    f"{LOST_LEASES} leases lost in a row without progress",
)  # fmt: skip

_LOST_AGAIN = """
UPDATE media_ops.job SET state = 'queued', due_at = now(), lost_leases = lost_leases + 1,
       lease_token = NULL, lease_until = NULL, leased_by = NULL
WHERE job_id IN (
    SELECT job_id FROM media_ops.job
    WHERE state = 'running' AND (lease_until < now() OR leased_by = $1) AND lost_leases < $2
    FOR UPDATE SKIP LOCKED)
RETURNING job_id
"""

_LOST_FOR_GOOD = """
SELECT job_id, lease_token AS token, media_id, source_version, kind, lane, slot, chunk, rungs, priority,
       attempts, lost_leases, trace
FROM media_ops.job
WHERE state = 'running' AND (lease_until < now() OR leased_by = $1) AND lost_leases >= $2
"""


async def reclaim(pool: asyncpg.Pool, *, worker: str | None = None) -> list[UUID]:
    """Put every job whose lease ran out back at once; the twentieth loss in a row without progress is dead.

    ``worker``: also the leases of that name, for a worker that starts and knows that it held nothing.
    Gives the ids of the jobs that are due again.
    """
    again = [row["job_id"] for row in await pool.fetch(_LOST_AGAIN, worker, LOST_LEASES - 1)]
    for row in await pool.fetch(_LOST_FOR_GOOD, worker, LOST_LEASES - 1):
        gone = msgspec.convert(dict(row), Lease)
        with continued(gone.trace):
            await _bury(pool, gone)
    return again


async def _bury(pool: asyncpg.Pool, gone: Lease) -> None:
    """Nobody leases this job again."""
    async with item_transaction(pool, gone.media_id) as connection:
        if await connection.fetchrow(endings.FENCE, gone.job_id, gone.token) is not None:
            await connection.execute(
                "UPDATE media_ops.job SET lost_leases = lost_leases + 1 WHERE job_id = $1", gone.job_id
            )
            await endings.end_job(connection, gone, WORKER_LOST, attempts=0)
