"""Identity's periodic duty: forgetting what is over."""

from mcsp.idempotency import Idempotency
from mcsp.sweeper import SweepContext, every
from streaming_api.identity.repository import forget_old_sessions


@every(600)
async def sweep_identity(context: SweepContext) -> dict[str, float]:
    """Delete sessions that ended a month ago, and kept answers older than a day."""
    pool = await context.pool("identity")
    return {
        "sessions_forgotten": await forget_old_sessions(pool),
        "answers_forgotten": await Idempotency(pool, "identity", context.cache).forget_old(),
    }
