"""Streams that cannot be packaged as they are after all: noted in the description, and planned again.

The plan is a function of the description, so from then on everyone who plans comes to encoded rungs. What
does not belong here: which streams look as if they could be packaged (``media_ops.streamable``).
"""

from mcsp.database.pool import Connection
from media_ops.ledger.leases import Lease

_PLANNABLE = """
SELECT EXISTS (
    SELECT FROM media_ops.source WHERE media_id = $1 AND version = $2
       AND state IN ('inspecting', 'processing', 'playable', 'ready'))
   AND NOT EXISTS (
    SELECT FROM media_ops.job
    WHERE media_id = $1 AND source_version = $2 AND kind = 'inspect' AND state = 'dead')
"""

# All rungs of the job, for it makes none of them any more; the new plan brings back what it leaves as it was.
_DROP = """
UPDATE media_ops.rendition SET state = 'superseded'
WHERE media_id = $1 AND digest = ANY ($2) AND state IN ('queued', 'running')
RETURNING kind, rung ->> 'mode' = 'copy' AS as_is
"""

_NOTE = """
UPDATE media_ops.source
SET state = CASE WHEN state = 'processing' THEN 'inspecting' ELSE state END,
    description = jsonb_set(description, '{refused}', (
        SELECT jsonb_agg(DISTINCT kind) FROM (
            SELECT jsonb_array_elements_text(coalesce(description -> 'refused', '[]')) AS kind
            UNION SELECT unnest($3::text[])) x))
WHERE media_id = $1 AND version = $2
"""

_PLAN_AGAIN = "SELECT media_ops.put_job($1, $2, 'inspect', 'inspect', 'quick')"


async def refuse(connection: Connection, lease: Lease) -> bool:
    """Give up packaging a copy job's streams as they are; False where the source cannot be planned again.

    The caller holds the item's lock and ends the job.
    """
    if not await connection.fetchval(_PLANNABLE, lease.media_id, lease.source_version):
        return False
    dropped = await connection.fetch(_DROP, lease.media_id, list(lease.rungs))
    kinds = sorted({row["kind"] for row in dropped if row["as_is"]})
    if kinds:
        await connection.execute(_NOTE, lease.media_id, lease.source_version, kinds)
    await connection.execute(_PLAN_AGAIN, lease.media_id, lease.source_version)
    return True
