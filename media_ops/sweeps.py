"""The ledger's periodic duties, run by ``mcsp sweeper``: lost leases, retries that fell due, metrics.

Workers do the first two themselves while one lives; the sweep makes them certain. What does not belong
here: anything a worker must not be without.
"""

import structlog
from prometheus_client import Gauge

from mcsp.resources import Resources
from mcsp.sweeper import every
from media_ops.ledger import board, losses, sweeping

log = structlog.get_logger()

DEPTH = Gauge("mcsp_queue_jobs", "Media jobs by state of the queue", ["slot", "lane", "state"])
WORK = Gauge("mcsp_queue_work_seconds", "Estimated seconds of work in the queue", ["slot", "lane"])
OLDEST = Gauge("mcsp_queue_oldest_due_seconds", "How long the oldest due job waits", ["slot", "lane"])
STUCK = Gauge("mcsp_never_stuck_violations", "Items that nothing will move on; must be 0")


@every(5.0)
async def sweep_ledger(context: Resources) -> dict[str, float]:
    """Bring lost leases back, wake workers for what is due, replay purges."""
    pool = await context.pool("media_ops", max_size=3)
    reclaimed = await losses.reclaim(pool)
    woken = await sweeping.wake_due(pool)
    purges = await sweeping.revive_purges(pool)
    await sweeping.drop_old_jobs(pool)
    return {"reclaimed": len(reclaimed), "woken": woken, "purges_revived": purges}


@every(5.0)
async def measure_ledger(context: Resources) -> dict[str, float]:
    """Set the gauges: a duty of its own, so that they tell the truth while the sweep fails."""
    stuck = await measure(await context.pool("media_ops", max_size=3))
    if stuck:
        log.error("items are stuck", count=stuck)
    return {"stuck": stuck}


async def measure(pool: sweeping.Pool) -> int:
    """Set the gauges of the queue; gives the violations of "never stuck"."""
    for gauge in (DEPTH, WORK, OLDEST):
        gauge.clear()
    for line in await board.queue(pool):
        for state in ("due", "waiting", "leased"):
            DEPTH.labels(line.slot, line.lane, state).set(getattr(line, state))
        WORK.labels(line.slot, line.lane).set(line.work_s)
        OLDEST.labels(line.slot, line.lane).set(line.oldest_s)
    stuck = await board.stuck(pool)
    STUCK.set(stuck)
    return stuck
