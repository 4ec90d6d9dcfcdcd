"""Since when this stack can have had uploads: where Dagster's hourly partitions begin.

What does not belong here: the partitions themselves (``assets.partitions``).
"""

import asyncpg

from deploy.context import Context
from deploy.services.postgres import SUPERUSER, dsn
from deploy.supervisor.service import StepFailedError

_SINCE = "SELECT min(applied_at) FROM public.migration WHERE owner = 'media_ops'"


async def first_hour(context: Context) -> str:
    """``MCSP_FIRST_HOUR`` where the caller gave one, else when the ledger's first migration was applied.

    That is the same at every start, and comes along where the database is restored elsewhere. ISO 8601.
    Raises StepFailedError where the database does not say.
    """
    if context.settings.first_hour is not None:
        return context.settings.first_hour.isoformat()
    try:
        connection = await asyncpg.connect(dsn(context, SUPERUSER, "content"), timeout=10)
        try:
            since = await connection.fetchval(_SINCE)
        finally:
            await connection.close(timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise StepFailedError(f"PostgreSQL does not say since when there is a ledger: {error}") from error
    if since is None:
        raise StepFailedError("the ledger has no migration yet")
    return since.isoformat()
