"""What "never stuck" means, computed from the ledger's rows without its views: a second opinion.

Stricter than the view, which grants everybody a grace: here a lease that ran out is a violation at once.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import asyncpg

Row = Any

LONGEST_PAUSE = timedelta(seconds=300)
"""Behind the longest backoff of an attempt: what is due later than that is due never."""
MOVING = ("inspecting", "processing")
WAITING = ("queued", "running")


async def stuck_by_the_rows(pool: asyncpg.Pool) -> list[str]:
    """Each violation in words; none when every item moves or has ended."""
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read"):
        now = await connection.fetchval("SELECT now()")
        sources = await connection.fetch("SELECT * FROM media_ops.source ORDER BY version")
        jobs = await connection.fetch("SELECT * FROM media_ops.job")
        rungs = await connection.fetch("SELECT * FROM media_ops.rendition")
        manifests = await connection.fetch("SELECT * FROM media_ops.manifest")
    newest = {source["media_id"]: source for source in sources}
    return [
        f"{media_id} ({source['state']}): {reason}"
        for media_id, source in newest.items()
        for reason in _reasons(source, now, *(_of(source, rows) for rows in (jobs, rungs, manifests)))
    ]


def _of(source: Row, rows: Iterable[Row]) -> list[Row]:
    key = (source["media_id"], source["version"])
    return [row for row in rows if (row["media_id"], row["source_version"]) == key]


def _reasons(
    source: Row, now: datetime, jobs: list[Row], rungs: list[Row], manifests: list[Row]
) -> Iterable[str]:
    for job in jobs:
        if job["state"] == "running" and job["lease_until"] <= now:
            yield f"the lease of its {job['kind']} job ran out and nobody took it back"
    at_work = [job for job in jobs if _moves(job, now) and job["kind"] not in ("art", "purge")]
    if source["state"] in MOVING and not at_work and not any(_stale(m) for m in manifests):
        yield "no job of it moves and no manifest is to be rendered"
    if source["state"] in ("failed", "rejected") and not source["failure"]:
        yield "no card"
    if source["state"] in (*MOVING, "playable", "ready"):
        for rung in rungs:
            if rung["state"] in WAITING and not any(rung["digest"] in job["rungs"] for job in at_work):
                yield f"rung {rung['name']} waits for no job"


def _moves(job: Row, now: datetime) -> bool:
    if job["state"] == "queued":
        return job["due_at"] <= now + LONGEST_PAUSE
    return job["state"] == "running" and job["lease_until"] > now


def _stale(manifest: Row) -> bool:
    return manifest["revision"] > manifest["rendered_revision"]
