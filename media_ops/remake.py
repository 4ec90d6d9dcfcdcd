"""Re-making what a changed recipe changes, and only that, a bucket of items at a time.

What is stale is computed from what inspection once found, without touching a file: an item's plan under
today's recipe against its living renditions. What does not belong here: what a recipe makes (``recipes``,
``ladder``) and the making (the worker).
"""

from collections import Counter
from collections.abc import Callable
from uuid import UUID

import asyncpg
import msgspec

from mcsp.database.pool import Connection
from media_ops.description import SourceDescription
from media_ops.ladder import plan
from media_ops.recipes import Grid, Plan, Rung, name_rungs
from media_ops.waiting import until_nothing_waits

BUCKETS = 64
"""Buckets of items by the last byte of their id, which is random in a UUIDv7 (RFC 9562)."""

Planner = Callable[[SourceDescription], Plan]

_ITEMS = """
SELECT s.media_id, s.source_version, s.etag, s.size_bytes, s.duration_s, s.description, s.grid
FROM media_ops.source_lineage s
WHERE get_byte(uuid_send(s.media_id), 15) % $2 = $1
  AND ($3::uuid[] IS NULL OR s.media_id = ANY ($3))
  AND s.state IN ('processing', 'playable', 'ready') AND s.inspected_at IS NOT NULL
  AND NOT EXISTS (SELECT FROM media_ops.source_lineage newer
                   WHERE newer.media_id = s.media_id AND newer.source_version > s.source_version)
ORDER BY s.media_id
"""

_LIVING = """
SELECT digest, name, rung, bytes, state FROM media_ops.rendition_lineage
WHERE media_id = $1 AND source_version = $2 AND state <> 'superseded'
"""

_AGAIN = "SELECT media_ops.plan_again($1)"

_BUSY = """
SELECT DISTINCT r.media_id FROM media_ops.rendition_lineage r
WHERE r.media_id = ANY ($1) AND r.state IN ('queued', 'running')
"""


class Stale(msgspec.Struct, frozen=True, kw_only=True):
    """An item whose plan changed. ``make``: names of rungs to be made; ``drop``: of renditions that go."""

    media_id: UUID
    make: tuple[str, ...]
    drop: tuple[str, ...]
    media_s: float
    """Seconds of media to be made: the item's length times the rungs."""
    dropped_bytes: int


class BlastRadius(msgspec.Struct, frozen=True, kw_only=True):
    """What a re-make of a bucket would do: nothing of it is done yet."""

    items: int
    """Items looked at."""
    kept: int
    """Renditions that stay as they are."""
    stale: tuple[Stale, ...]

    @property
    def make(self) -> Counter[str]:
        """How many renditions would be made, by the name of the rung."""
        return Counter(name for item in self.stale for name in item.make)

    @property
    def media_s(self) -> float:
        return sum((item.media_s for item in self.stale), 0.0)

    @property
    def dropped_bytes(self) -> int:
        return sum(item.dropped_bytes for item in self.stale)


class Remade(msgspec.Struct, frozen=True, kw_only=True):
    """What a re-make came to. ``waiting``: items whose renditions were still being made at the bound."""

    radius: BlastRadius
    planned: int
    waited_s: float
    waiting: tuple[UUID, ...]


def standard(source: SourceDescription) -> Plan:
    """The plan of today's standard recipe."""
    return plan(source)


async def blast_radius(
    connection: Connection,
    bucket: int,
    *,
    only: list[UUID] | None = None,
    planner: Planner = standard,
) -> BlastRadius:
    """What is stale in a bucket (0 … ``BUCKETS`` - 1), or of ``only`` these items; changes nothing."""
    items, kept, stale = 0, 0, []
    for row in await connection.fetch(_ITEMS, bucket, BUCKETS, only):
        living = await connection.fetch(_LIVING, row["media_id"], row["source_version"])
        found, stays = _compare(row, living, planner)
        items, kept = items + 1, kept + stays
        stale += [found] if found.make or found.drop else []
    return BlastRadius(items=items, kept=kept, stale=tuple(stale))


def _compare(row: asyncpg.Record, living: list[asyncpg.Record], planner: Planner) -> tuple[Stale, int]:
    """What a plan would make and drop of an item, and how many of its renditions would stay."""
    planned = planner(msgspec.convert(row["description"], SourceDescription))
    made = {one["digest"]: msgspec.convert(one["rung"], Rung) for one in living}
    grid = msgspec.convert(row["grid"], Grid | None)
    wanted = name_rungs(planned, row["etag"], row["size_bytes"], grid=grid, made=made)
    make = tuple(name for name, digest in wanted.items() if digest not in made)
    gone = [one for one in living if one["digest"] not in wanted.values()]
    stale = Stale(
        media_id=row["media_id"],
        make=make,
        drop=tuple(one["name"] for one in gone),
        media_s=(row["duration_s"] or 0.0) * len(make),
        dropped_bytes=sum(one["bytes"] for one in gone),
    )
    return stale, len(living) - len(gone)


async def remake(
    connection: Connection, bucket: int, *, wait_s: float, planner: Planner = standard
) -> Remade:
    """Have the stale items of a bucket planned again and wait up to ``wait_s`` seconds for the workers.

    Viewers keep what they have until everything of an item is made anew. Twice in a row, the second time
    finds nothing stale.
    """
    radius = await blast_radius(connection, bucket, planner=planner)
    stale = [item.media_id for item in radius.stale]
    # A transaction an item: one over the bucket would hold the lock of every item until its end.
    planned = [media_id for media_id in stale if await connection.fetchval(_AGAIN, media_id)]

    async def waiting() -> tuple[UUID, ...]:
        still = await blast_radius(connection, bucket, only=stale, planner=planner)
        busy = {row["media_id"] for row in await connection.fetch(_BUSY, stale)}
        return tuple(sorted(busy | {item.media_id for item in still.stale}))

    waited = await until_nothing_waits(connection, waiting, wait_s=wait_s)
    return Remade(radius=radius, planned=len(planned), waited_s=waited.seconds, waiting=waited.left)
