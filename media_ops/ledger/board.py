"""What operators see of the ledger and do to it by hand: lists, counts, replays."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
import msgspec

_LIST = """
SELECT job_id, media_id, kind, slot, state, attempts, lost_leases, progress,
       last_error ->> 'code' AS code, last_error ->> 'message' AS message
FROM media_ops.job WHERE state = ANY ($1) ORDER BY due_at, job_id LIMIT $2
"""

_DEAD = "SELECT job_id FROM media_ops.job WHERE state = 'dead' ORDER BY job_id"

_QUEUE = """
SELECT slot, lane, count(*) FILTER (WHERE state = 'queued' AND due_at <= now()) AS due,
       count(*) FILTER (WHERE state = 'queued' AND due_at > now()) AS waiting,
       count(*) FILTER (WHERE state = 'running') AS leased,
       coalesce(sum(left_s), 0)::double precision AS work_s,
       coalesce(extract(epoch FROM now() - min(due_at)
                        FILTER (WHERE state = 'queued' AND due_at <= now())), 0)::double precision AS oldest_s
FROM media_ops.live_job GROUP BY slot, lane
"""


class JobLine(msgspec.Struct, frozen=True, kw_only=True):
    """One job as a line; ``progress`` 0 … 1, ``code`` and ``message`` of its last error."""

    job_id: UUID
    media_id: UUID
    kind: str
    slot: str
    state: str
    attempts: int
    lost_leases: int
    progress: float
    code: str | None
    message: str | None


class QueueLine(msgspec.Struct, frozen=True, kw_only=True):
    """Live jobs of a slot and lane: counts, seconds of work left, seconds that the oldest due one waits."""

    slot: str
    lane: str
    due: int
    waiting: int
    leased: int
    work_s: float
    oldest_s: float


async def list_jobs(pool: asyncpg.Pool, states: Sequence[str], limit: int) -> list[JobLine]:
    """Jobs in these states, the oldest due first."""
    return [msgspec.convert(dict(row), JobLine) for row in await pool.fetch(_LIST, list(states), limit)]


async def replay(pool: asyncpg.Pool, job_id: UUID | None) -> int:
    """Replay one dead job, or all where ``job_id`` is None; gives how many were."""
    ids = [job_id] if job_id else [row["job_id"] for row in await pool.fetch(_DEAD)]
    return sum([await pool.fetchval("SELECT media_ops.replay_job($1)", one) for one in ids])


async def queue(pool: asyncpg.Pool) -> list[QueueLine]:
    """Depth and age of the queue by slot and lane; empty ones are absent."""
    return [msgspec.convert(dict(row), QueueLine) for row in await pool.fetch(_QUEUE)]


async def stuck(pool: asyncpg.Pool) -> int:
    """Violations of "never stuck"; 0 in a healthy system."""
    return await pool.fetchval("SELECT count(*) FROM media_ops.never_stuck")
