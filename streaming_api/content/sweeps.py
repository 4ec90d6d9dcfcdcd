"""The sweeper's duty for content: answers kept for repeated writes are forgotten after a day."""

from mcsp.idempotency import Idempotency
from mcsp.sweeper import SweepContext, every


@every(300)
async def sweep_content(context: SweepContext) -> dict[str, float]:
    """Gives how many kept answers were forgotten."""
    pool = await context.pool("content")
    return {"forgotten_keys": await Idempotency(pool, "content", context.cache).forget_old()}
