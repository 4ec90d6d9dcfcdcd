"""Making an hour whole: enqueue what is missing, wait within a stated bound, record what is there.

What does not belong here: the work itself (the worker does it, as always) and Dagster (``assets``).
"""

import asyncio
from datetime import datetime
from uuid import UUID

import msgspec

from mcsp.database.pool import Connection
from media_ops.lineage import Numbers, Stage, end_of, numbers_of, record

RECHECK_S = 5.0
"""Seconds after which rows are read again although no notification came."""

_CHANNEL = "media_state"


class Waiting(msgspec.Struct, frozen=True):
    """An item of the hour that is not through a stage. ``stuck``: nobody works on it, nothing is due."""

    media_id: UUID
    stuck: bool


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


_ENQUEUE = """
SELECT coalesce(sum(media_ops.enqueue_missing(media_id)), 0)::integer
FROM media_ops.source_lineage s
WHERE completed_at >= $1 AND completed_at < $2
  AND state NOT IN ('deleted', 'rejected', 'held', 'failed')
  AND NOT EXISTS (SELECT FROM media_ops.source_lineage newer
                   WHERE newer.media_id = s.media_id AND newer.source_version > s.source_version)
"""

_THROUGH: dict[Stage, str] = {
    "sources": "s.state <> 'inspecting'",
    "renditions": """
        s.state <> 'inspecting' AND NOT EXISTS (
            SELECT FROM media_ops.rendition_lineage r
             WHERE r.media_id = s.media_id AND r.source_version = s.source_version
               AND r.state IN ('queued', 'running'))""",
    "packages": """
        (SELECT p.state FROM media_ops.package_lineage p
          WHERE p.media_id = s.media_id AND p.source_version = s.source_version
          ORDER BY p.manifest_version DESC LIMIT 1) IS NOT DISTINCT FROM 'finished'""",
}

_WAITING = """
SELECT s.media_id, EXISTS (SELECT FROM media_ops.never_stuck n WHERE n.media_id = s.media_id) AS stuck
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
    started = asyncio.get_running_loop().time()
    enqueued = int(await connection.fetchval(_ENQUEUE, hour, end_of(hour)) or 0)
    waiting = await _wait(connection, stage, hour, deadline=started + wait_s)
    return Made(
        enqueued=enqueued,
        recorded=await record(connection, stage, hour, run_id=run_id),
        waited_s=round(asyncio.get_running_loop().time() - started, 3),
        waiting=waiting,
        numbers=await numbers_of(connection, stage, hour),
    )


async def observe(connection: Connection, stage: Stage, hour: datetime) -> Made:
    """An hour as it is now, recorded; enqueues nothing and waits for nothing."""
    return Made(
        enqueued=0,
        recorded=await record(connection, stage, hour),
        waited_s=0.0,
        waiting=await waiting_of(connection, stage, hour),
        numbers=await numbers_of(connection, stage, hour),
    )


async def _wait(
    connection: Connection, stage: Stage, hour: datetime, *, deadline: float
) -> tuple[Waiting, ...]:
    changed = asyncio.Event()

    def wake(*_: object) -> None:
        changed.set()

    await connection.add_listener(_CHANNEL, wake)
    try:
        while waiting := await waiting_of(connection, stage, hour):
            now = asyncio.get_running_loop().time()
            if now >= deadline:
                return waiting
            await _until(changed, min(deadline, now + RECHECK_S))
        return ()
    finally:
        await connection.remove_listener(_CHANNEL, wake)


async def _until(changed: asyncio.Event, moment: float) -> None:
    """Return when something changed or the moment came, whichever is first."""
    try:
        async with asyncio.timeout_at(moment):
            await changed.wait()
    except TimeoutError:
        return
    changed.clear()
