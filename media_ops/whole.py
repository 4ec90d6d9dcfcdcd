"""Making an hour whole: enqueue what is missing, wait within a stated bound, record what is there.

What does not belong here: the work itself (the worker does it, as always) and Dagster (``assets``).
"""

from datetime import datetime
from uuid import UUID

import msgspec

from mcsp.database.pool import Connection
from media_ops.lineage import Numbers, Stage, end_of, numbers_of, record
from media_ops.waiting import until_nothing_waits


class Waiting(msgspec.Struct, frozen=True):
    """An item of the hour that is not through a stage.

    ``stuck``: why waiting will not bring it through (a reason of ``media_ops.never_stuck``), else "".
    """

    media_id: UUID
    stuck: str


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """What making an hour whole came to."""

    enqueued: int
    recorded: int
    waited_s: float
    waiting: tuple[Waiting, ...]
    numbers: Numbers

    @property
    def whole(self) -> bool:
        return not self.waiting

    @property
    def stuck(self) -> tuple[Waiting, ...]:
        return tuple(item for item in self.waiting if item.stuck)


_ITEMS = """
SELECT media_id FROM media_ops.source_lineage s
WHERE completed_at >= $1 AND completed_at < $2
  AND state NOT IN ('deleted', 'rejected', 'held', 'failed')
  AND NOT EXISTS (SELECT FROM media_ops.source_lineage newer
                   WHERE newer.media_id = s.media_id AND newer.source_version > s.source_version)
ORDER BY media_id
"""

_ENQUEUE = "SELECT media_ops.enqueue_missing($1)"

_THROUGH: dict[Stage, str] = {
    "sources": "s.state <> 'inspecting'",
    "renditions": """
        s.state <> 'inspecting' AND NOT EXISTS (
            SELECT FROM media_ops.rendition_lineage r
             WHERE r.media_id = s.media_id AND r.source_version = s.source_version
               AND r.state IN ('queued', 'running'))""",
    "packages": "s.state = 'ready'",
}

_WAITING = """
SELECT s.media_id,
       coalesce((SELECT min(n.reason) FROM media_ops.never_stuck n
                  WHERE n.media_id = s.media_id), '') AS stuck
FROM media_ops.source_lineage s
WHERE s.completed_at >= $1 AND s.completed_at < $2
  AND s.state NOT IN ('deleted', 'rejected', 'held', 'failed')
  AND NOT EXISTS (SELECT FROM media_ops.source_lineage newer
                   WHERE newer.media_id = s.media_id AND newer.source_version > s.source_version)
  AND NOT ({through})
ORDER BY s.media_id
"""


async def waiting_of(connection: Connection, stage: Stage, hour: datetime) -> tuple[Waiting, ...]:
    """The items of an hour that are not through a stage and may still come through it."""
    rows = await connection.fetch(_WAITING.format(through=_THROUGH[stage]), hour, end_of(hour))
    return tuple(Waiting(row["media_id"], row["stuck"]) for row in rows)


async def make_whole(
    connection: Connection, stage: Stage, hour: datetime, *, wait_s: float, run_id: str | None = None
) -> Made:
    """Enqueue what an hour lacks, wait up to ``wait_s`` seconds for the workers, record the lineage.

    Twice in a row, the second time enqueues nothing and records nothing. What is still being made after the
    bound stands in ``waiting``; the workers go on with it whatever the caller does.
    """
    enqueued = await _enqueue(connection, hour)
    waited = await until_nothing_waits(connection, lambda: waiting_of(connection, stage, hour), wait_s=wait_s)
    return Made(
        enqueued=enqueued,
        recorded=await record(connection, stage, hour, run_id=run_id),
        waited_s=waited.seconds,
        waiting=waited.left,
        numbers=await numbers_of(connection, stage, hour),
    )


async def _enqueue(connection: Connection, hour: datetime) -> int:
    """A transaction an item: one over the hour would hold the lock of every item until its end."""
    rows = await connection.fetch(_ITEMS, hour, end_of(hour))
    return sum([await connection.fetchval(_ENQUEUE, row["media_id"]) or 0 for row in rows])


async def observe(connection: Connection, stage: Stage, hour: datetime) -> Made:
    """An hour as it is now, recorded; enqueues nothing and waits for nothing."""
    return Made(
        enqueued=0,
        recorded=await record(connection, stage, hour),
        waited_s=0.0,
        waiting=await waiting_of(connection, stage, hour),
        numbers=await numbers_of(connection, stage, hour),
    )
