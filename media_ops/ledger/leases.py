"""Leases: take a due job (SKIP LOCKED), keep it (heartbeat), give it back (a graceful stop).

A lease is fenced by its token: whoever lost it writes nothing any more. What does not belong here: how
a job ends (``endings``).
"""

from collections.abc import Sequence
from typing import Literal, get_args
from uuid import UUID

import asyncpg
import msgspec

from mcsp.contracts.media import JobKind, Lane
from mcsp.errors import ConflictError
from mcsp.ids import uuid7

LEASE_S = 15.0
"""Long enough for PostgreSQL to restart under a running job, short enough that a killed worker's job is
somebody else's before a viewer gives up."""
HEARTBEAT_S = 4.0

Purpose = Literal["opening", "growing", "errand"]
"""What a job is done for when it is leased: so that its item plays, or grows, or neither (art, purge)."""
PURPOSES: tuple[Purpose, ...] = get_args(Purpose)

STAND_ASIDE_S = 10.0
"""Jobs that an item does not need in order to play wait this long at most for the one that opens it."""


class LeaseLostError(ConflictError):
    """The job is no longer ours: lease run out and taken again, or item deleted. Stop and write nothing."""


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """A job in our hands until the lease runs out; ``token`` fences every write."""

    job_id: UUID
    token: UUID
    media_id: UUID
    source_version: int
    kind: JobKind
    lane: Lane
    slot: str
    chunk: int
    rungs: tuple[str, ...]
    priority: int
    attempts: int
    lost_leases: int
    purpose: Purpose = "growing"
    trace: dict[str, str] = {}
    """Headers of the trace that the job belongs to; empty where nobody who put it had one."""


# What an item does not need in order to play stands aside while the job that makes it playable is at work or
# about to be: all are written in one transaction, other slots look at once, and on a busy machine they would
# begin in the same instant. Ended, failed or waiting for its retry, it holds back nobody.
_TAKE = """
WITH due AS MATERIALIZED (
    SELECT d.job_id, p.purpose
    FROM media_ops.job d
    JOIN media_ops.source s ON s.media_id = d.media_id AND s.version = d.source_version
    CROSS JOIN LATERAL (SELECT CASE
        WHEN d.priority <= $8 AND s.playable_at IS NULL THEN 'opening'
        WHEN d.kind IN ('copy', 'encode', 'audio') THEN 'growing' ELSE 'errand' END AS purpose) p
    {served}
    WHERE d.state = 'queued' AND d.slot = $4 AND d.lane = ANY ($5) AND d.due_at <= now()
      AND ($6::uuid IS NULL OR d.media_id = $6) AND d.priority <= $7 AND p.purpose = ANY ($10)
      AND (d.priority <= $8 OR d.kind = 'purge' OR d.due_at < now() - make_interval(secs => $9)
           OR s.playable_at IS NOT NULL OR NOT EXISTS (
          SELECT FROM media_ops.job o
          WHERE o.media_id = d.media_id AND o.source_version = d.source_version
            AND o.kind IN ('copy', 'encode', 'audio') AND o.priority <= $8
            AND (o.state = 'running' OR o.state = 'queued' AND o.due_at <= now())))
    ORDER BY {order}
    FOR UPDATE OF d SKIP LOCKED LIMIT 1)
UPDATE media_ops.job j
SET state = 'running', lease_token = $1, leased_by = $2, lease_until = now() + make_interval(secs => $3),
    started_at = now(), progress = 0, finished_at = NULL
FROM due WHERE j.job_id = due.job_id
RETURNING j.job_id, j.lease_token AS token, j.media_id, j.source_version, j.kind, j.lane, j.slot, j.chunk,
          j.rungs, j.priority, j.attempts, j.lost_leases, j.trace, due.purpose
"""

# Jobs that bring items to playable are short: first come, first served, along the index of due jobs.
_TAKE_QUICK = _TAKE.format(served="", order="d.priority, d.due_at, d.job_id")

# An encode may hold its slot for hours. Owners take turns: whoever has the fewest encodes at work is next, of
# those whoever was served longest ago, so that one who uploads a hundred items holds up nobody with one.
_TAKE_ENCODE = _TAKE.format(
    served="""LEFT JOIN (
        SELECT q.owner_id, count(*) FILTER (WHERE r.state = 'running') AS running, max(r.started_at) AS latest
        FROM media_ops.job r
        JOIN media_ops.source q ON q.media_id = r.media_id AND q.version = r.source_version
        WHERE r.slot = 'encode'
          AND (r.state = 'running' OR r.state = 'done' AND r.finished_at > now() - interval '1 hour')
        GROUP BY q.owner_id) f ON f.owner_id = s.owner_id""",
    order="d.priority, coalesce(f.running, 0), f.latest NULLS FIRST, d.due_at, d.job_id",
)

_KEEP = """
UPDATE media_ops.job
SET lease_until = now() + make_interval(secs => $3), progress = greatest(progress, $4)
WHERE job_id = $1 AND lease_token = $2 AND state = 'running'
RETURNING job_id
"""

_GIVE_BACK = """
UPDATE media_ops.job
SET state = 'queued', due_at = now(), lease_token = NULL, lease_until = NULL, leased_by = NULL
WHERE job_id = $1 AND lease_token = $2 AND state = 'running'
RETURNING job_id
"""

OPENING_PRIORITY, OTHER_PRIORITY, LOWEST_PRIORITY = 1, 5, 9
"""Inspect has 0, jobs that make an item playable 1, what makes it whole 5."""


async def take(
    pool: asyncpg.Pool, *, worker: str, slot: str, lanes: Sequence[str], media_id: UUID | None = None,
    purposes: Sequence[Purpose] = PURPOSES, lease_s: float = LEASE_S,
) -> Lease | None:  # fmt: skip
    """The most urgent due job of a slot and lanes, leased to ``worker``; None when nothing is due.

    ``media_id`` restricts it to one item, ``purposes`` to what is done for one of these. What is not needed
    for an item's first playable stands aside, for ``STAND_ASIDE_S`` at most. In the encode slot owners take
    turns.
    """
    priority = OPENING_PRIORITY if tuple(purposes) == ("opening",) else LOWEST_PRIORITY
    statement = _TAKE_ENCODE if slot == "encode" else _TAKE_QUICK
    row = await pool.fetchrow(
        statement, uuid7(), worker, lease_s, slot, list(lanes), media_id, priority, OPENING_PRIORITY,
        STAND_ASIDE_S, list(purposes),
    )  # fmt: skip
    return msgspec.convert(dict(row), Lease) if row else None


async def keep(pool: asyncpg.Pool, lease: Lease, progress: float, *, lease_s: float = LEASE_S) -> None:
    """Heartbeat: the lease runs ``lease_s`` seconds from now; ``progress`` is 0 … 1. LeaseLostError."""
    kept = await pool.fetchval(_KEEP, lease.job_id, lease.token, lease_s, min(max(progress, 0.0), 1.0))
    if kept is None:
        raise lost(lease)


async def give_back(pool: asyncpg.Pool, lease: Lease) -> bool:
    """End a lease without an attempt, due at once for anyone; False when it was not ours any more."""
    return await pool.fetchval(_GIVE_BACK, lease.job_id, lease.token) is not None


def lost(lease: Lease) -> LeaseLostError:
    """The error for a lease whose fence did not hold."""
    return LeaseLostError("lease_lost", f"job {lease.job_id} ({lease.kind}) is no longer leased to us")
