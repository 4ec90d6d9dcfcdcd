"""Statements of the ledger's sweep: wakes for due jobs, purges that died, rows nobody needs any more."""

import asyncpg

Pool = asyncpg.Pool

WAKE_AFTER_S = 4.0
"""Twice the workers' own poll: a job due for longer was missed, or every worker is busy."""

_WAKE = """
SELECT count(media_ops.wake_for(j)) FROM (
    SELECT * FROM media_ops.job
    WHERE state = 'queued' AND due_at < now() - make_interval(secs => $1)
      AND due_at > now() - interval '1 min'
    ORDER BY due_at LIMIT 100) j
"""

_PURGES = """
UPDATE media_ops.job SET state = 'queued', attempts = 0, lost_leases = 0, due_at = now(), finished_at = NULL
WHERE kind = 'purge' AND state = 'dead' AND finished_at < now() - interval '10 min'
RETURNING job_id
"""

_DROP = """
DELETE FROM media_ops.job WHERE kind = 'purge' AND state = 'done' AND finished_at < now() - interval '1 day'
"""


async def wake_due(pool: Pool) -> int:
    """Send wakes for jobs that have been due for a while (a retry whose time came, a lost message)."""
    return await pool.fetchval(_WAKE, WAKE_AFTER_S)


async def revive_purges(pool: Pool) -> int:
    """A purge that died is tried again for ever: what is deleted has to go."""
    return len(await pool.fetch(_PURGES))


async def drop_old_jobs(pool: Pool) -> None:
    """Purges that are done say nothing any more after a day."""
    await pool.execute(_DROP)
