"""How a job ends: completed, or failed (an attempt).

Five attempts with growing pauses; a permanent error is not repeated; what cannot be packaged as it is, is
encoded; a job of several rungs that cannot be done is split, so that a failed rung never holds back the
others. What does not belong here: what the item becomes of it (``settle``), and leases lost with their
worker (``losses``).
"""

import random

import asyncpg
import msgspec

from mcsp.database.pool import Connection
from mcsp.errors import Failure, MCSPError
from media_ops.failures import card_of
from media_ops.ledger.leases import Lease, lost
from media_ops.ledger.refusals import refuse
from media_ops.ledger.settle import settle
from media_ops.ledger.transaction import item_transaction

ATTEMPTS = 5
BACKOFF_S, BACKOFF_FACTOR = 3.0, 4.0
"""3, 12, 48, 192 s (each ± half): five attempts outlast four minutes without the object store."""

REFUSALS, REFUSED_TWICE = frozenset({"process_failed", "output_malformed"}), 2
"""What says of a copy that the stream cannot be packaged as it is, when it happens twice."""


LIMITS = frozenset({"limit_time", "limit_cpu"})
"""What the whole of a rung's work was not done within, and will not be the next time either."""


class JobError(msgspec.Struct, frozen=True):
    """Why an attempt ended: code, words for operators, whether trying again helps, and detail.

    The creator's card is ``card_of`` its code (``media_ops.failures``).
    """

    code: str
    message: str
    action: str
    retryable: bool
    detail: str = ""

    @classmethod
    def of(cls, error: MCSPError, detail: str = "") -> "JobError":
        return cls(error.code, error.message, error.action, error.retryable, detail[:4000])


FENCE = """
SELECT attempts FROM media_ops.job
WHERE job_id = $1 AND lease_token = $2 AND state = 'running' FOR UPDATE
"""

_DONE = """
UPDATE media_ops.job SET state = 'done', progress = 1, finished_at = now(), last_error = NULL,
       lease_token = NULL, lease_until = NULL
WHERE job_id = $1
"""

# Rates as RFC 8216 4.3.4.2 wants them: average and peak over whole segments.
_PUBLISH_RUNGS = """
UPDATE media_ops.rendition r
SET state = CASE WHEN g.segments > 0 THEN 'published' ELSE 'failed' END,
    failure = CASE WHEN g.segments > 0 THEN NULL ELSE $3::jsonb END,
    published_at = CASE WHEN g.segments > 0 THEN now() END,
    bitrate = coalesce(g.average, r.bitrate), peak_bitrate = g.peak
FROM (
    SELECT d.digest, count(s.number) AS segments,
           (sum(s.bytes) * 8 * d.timescale / nullif(sum(s.duration_ticks), 0))::integer AS average,
           max(s.bytes * 8 * d.timescale / nullif(s.duration_ticks, 0))::integer AS peak
    FROM media_ops.rendition d
    LEFT JOIN media_ops.segment s ON s.media_id = d.media_id AND s.digest = d.digest
    WHERE d.media_id = $1 AND d.digest = ANY ($2)
    GROUP BY d.media_id, d.digest, d.timescale
) g
WHERE r.media_id = $1 AND r.digest = g.digest AND r.state IN ('queued', 'running')
"""

# What a container claims may be absent or wrong; what was published is what plays.
_MEASURE = """
UPDATE media_ops.source s SET duration_s = g.media_s
FROM (SELECT max(l.media_s) AS media_s FROM media_ops.rendition_lineage l
      WHERE l.media_id = $1 AND l.source_version = $2 AND l.state = 'published') g
WHERE s.media_id = $1 AND s.version = $2 AND g.media_s > 0
  AND (s.duration_s IS NULL OR abs(s.duration_s - g.media_s) > 1)
"""

_PRUNE = """
SELECT media_ops.put_job($1, $2, 'purge', 'inspect', 'quick', $3, p_priority => 6, p_after => '1 min')
"""

_AGAIN = """
UPDATE media_ops.job SET state = 'queued', attempts = attempts + 1, last_error = $2,
       due_at = now() + make_interval(secs => $3), lease_token = NULL, lease_until = NULL, leased_by = NULL
WHERE job_id = $1
"""

_END = """
UPDATE media_ops.job SET state = $2, attempts = attempts + $4, last_error = $3, finished_at = now(),
       lease_token = NULL, lease_until = NULL
WHERE job_id = $1
"""

_FAIL_RUNGS = """
UPDATE media_ops.rendition SET state = 'failed', failure = $3
WHERE media_id = $1 AND digest = ANY ($2) AND state IN ('queued', 'running')
"""

_FAIL_SOURCE = """
UPDATE media_ops.source SET state = 'failed', failure = $3
WHERE media_id = $1 AND version = $2 AND state IN ('inspecting', 'processing')
"""

_SPLIT = """
SELECT media_ops.put_job(
    j.media_id, j.source_version,
    CASE WHEN r.rung ->> 'mode' = 'copy' THEN 'copy' WHEN r.kind = 'audio' THEN 'audio' ELSE 'encode' END,
    j.lane, j.slot, ARRAY[r.digest], j.priority, j.cost_s / cardinality(j.rungs), j.chunk)
FROM media_ops.job j
JOIN media_ops.rendition r ON r.media_id = j.media_id AND r.digest = ANY (j.rungs)
                          AND r.state IN ('queued', 'running')
WHERE j.job_id = $1
"""

_EMPTY_RUNG = JobError("no_media", "The process wrote nothing of this rung.", "", False)


async def complete(pool: asyncpg.Pool, lease: Lease) -> None:
    """The job is done: its rungs are published, the item moves on. LeaseLostError when it was not ours."""
    async with item_transaction(pool, lease.media_id) as connection:
        if await connection.fetchrow(FENCE, lease.job_id, lease.token) is None:
            raise lost(lease)
        await done(connection, lease)
        if lease.rungs and lease.kind != "purge":
            await connection.execute(_PUBLISH_RUNGS, lease.media_id, list(lease.rungs), _card(_EMPTY_RUNG))
            await connection.execute(_MEASURE, lease.media_id, lease.source_version)
        await settle(connection, lease.media_id)


async def done(connection: Connection, lease: Lease) -> None:
    """Nothing is left to do of this job; the caller's transaction holds its fence."""
    await connection.execute(_DONE, lease.job_id)


async def fail(pool: asyncpg.Pool, lease: Lease, error: JobError, *, chance: float | None = None) -> str:
    """An attempt ended by an error; gives the job's new state: ``queued``, ``dead``, ``cancelled``.

    Cancelled is what others do now: it was split, or its source is planned again without its copies.
    ``chance`` (0 … 1) replaces the random part of the pause. LeaseLostError when the job was not ours.
    """
    async with item_transaction(pool, lease.media_id) as connection:
        row = await connection.fetchrow(FENCE, lease.job_id, lease.token)
        if row is None:
            raise lost(lease)
        attempt = row["attempts"] + 1
        if _refused(lease, error, attempt) and await refuse(connection, lease):
            return await _give_up_copy(connection, lease, error)
        if error.retryable and attempt < ATTEMPTS and not _in_vain(lease, error):
            await connection.execute(_AGAIN, lease.job_id, error, backoff_s(attempt, chance))
            return "queued"
        return await end_job(connection, lease, error, attempts=1)


def _refused(lease: Lease, error: JobError, attempt: int) -> bool:
    again = error.code in REFUSALS and attempt >= REFUSED_TWICE
    return lease.kind == "copy" and (again or not error.retryable)


def _in_vain(lease: Lease, error: JobError) -> bool:
    """A job of rungs that ran into its limit: fewer rungs at a time may fit, the same ones do not."""
    return error.code in LIMITS and bool(lease.rungs)


async def _give_up_copy(connection: Connection, lease: Lease, error: JobError) -> str:
    await connection.execute(_END, lease.job_id, "cancelled", error, 1)
    await connection.execute(_PRUNE, lease.media_id, lease.source_version, list(lease.rungs))
    await settle(connection, lease.media_id)
    return "cancelled"


def backoff_s(attempt: int, chance: float | None = None) -> float:
    """Seconds to wait after failed attempt ``attempt`` (from 1): exponential, half to one and a half."""
    spread = random.random() if chance is None else chance  # noqa: S311 -- jitter, no secret
    return BACKOFF_S * BACKOFF_FACTOR ** (attempt - 1) * (0.5 + spread)


async def end_job(connection: Connection, lease: Lease, error: JobError, *, attempts: int) -> str:
    """Nobody tries this job again: split it, or bury it with its rungs."""
    error = msgspec.structs.replace(error, action=card_of(error.code).action)
    if len(lease.rungs) > 1 and lease.kind != "purge":
        await connection.execute(_END, lease.job_id, "cancelled", error, attempts)
        await connection.execute(_SPLIT, lease.job_id)
        return "cancelled"
    await connection.execute(_END, lease.job_id, "dead", error, attempts)
    if lease.kind == "inspect":
        await connection.execute(_FAIL_SOURCE, lease.media_id, lease.source_version, _card(error))
    elif lease.kind not in ("art", "purge"):
        await connection.execute(_FAIL_RUNGS, lease.media_id, list(lease.rungs), _card(error))
        await connection.execute(_PRUNE, lease.media_id, lease.source_version, list(lease.rungs))
    await settle(connection, lease.media_id)
    return "dead"


def _card(error: JobError) -> Failure:
    return msgspec.structs.replace(card_of(error.code), retryable=error.retryable)
