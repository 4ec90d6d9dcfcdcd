"""What must hold between rows, recipes and objects, and whether it does.

Each function looks at a bounded number of things and gives how many it looked at and which are broken.
What does not belong here: packages against the store (``completeness``), repairing, and how often to look
(``orchestration``).
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import msgspec

from mcsp.database.pool import Connection
from mcsp.s3 import ObjectStore
from media_ops.lineage import end_of
from media_ops.recipes import Recipe, Rung, rendition_digest


class Broken(msgspec.Struct, frozen=True):
    """One thing that does not hold: what it is, why, and the item it belongs to where there is one."""

    what: str
    why: str
    media_id: UUID | None = None


MOST_LISTED = 20


class Looked(msgspec.Struct, frozen=True):
    """``at`` things were looked at; ``broken`` do not hold. ``until``: where to go on, "" at the end."""

    at: int
    broken: tuple[Broken, ...]
    until: str = ""
    unlisted: int = 0
    """Broken ones beyond the ``MOST_LISTED`` that ``broken`` holds of a look in portions."""

    @property
    def found(self) -> int:
        """How many are broken."""
        return len(self.broken) + self.unlisted

    def then(self, portion: "Looked") -> "Looked":
        """This look and its next portion as one."""
        broken = self.broken + portion.broken
        unlisted = self.unlisted + portion.unlisted + len(broken[MOST_LISTED:])
        return Looked(self.at + portion.at, broken[:MOST_LISTED], portion.until, unlisted)


_STUCK = "SELECT media_id, status, reason FROM media_ops.never_stuck ORDER BY media_id LIMIT $1"
_ITEMS = "SELECT count(DISTINCT media_id) FROM media_ops.source_lineage WHERE state <> 'deleted'"


async def stuck_items(connection: Connection, *, most: int = 1000) -> Looked:
    """Items that are neither playable, failed with a card, held, nor have a live lease or a due time."""
    rows = await connection.fetch(_STUCK, most)
    return Looked(
        at=int(await connection.fetchval(_ITEMS) or 0),
        broken=tuple(Broken(row["reason"], f"item is {row['status']}", row["media_id"]) for row in rows),
    )


OVERDUE = "upload_overdue"
_OVERDUE = "SELECT media_id, expires_at FROM uploads.overdue ORDER BY expires_at, media_id LIMIT $1"


async def overdue_uploads(connection: Connection, *, most: int = 1000) -> Looked:
    """Uploads that neither became an item nor ended, long past their time (a view that uploads publishes)."""
    rows = await connection.fetch(_OVERDUE, most)
    return Looked(
        at=len(rows),
        broken=tuple(
            Broken(OVERDUE, f"its time ended at {row['expires_at']:%Y-%m-%d %H:%M} UTC", row["media_id"])
            for row in rows
        ),
    )


_RENDITIONS = """
SELECT media_id, digest, name, recipe, rung, etag, size_bytes
FROM media_ops.rendition_lineage
WHERE completed_at >= $1 AND completed_at < $2 AND state <> 'superseded'
ORDER BY media_id, name
"""


async def wrong_digests(connection: Connection, hour: datetime) -> Looked:
    """Living renditions of an hour whose digest is not that of their source, recipe and rung."""
    rows = await connection.fetch(_RENDITIONS, hour, end_of(hour))
    return Looked(at=len(rows), broken=tuple(broken for row in rows if (broken := _digest_broken(row))))


def _digest_broken(row: asyncpg.Record) -> Broken | None:
    rung = msgspec.convert(row["rung"], Rung)
    digest = rendition_digest(row["etag"], row["size_bytes"], Recipe.parse(row["recipe"]), rung)
    if digest == row["digest"]:
        return None
    return Broken(f"{row['name']} {row['digest']}", f"its recipe gives {digest}", row["media_id"])


_KEYS = "SELECT key FROM media_ops.object_lineage WHERE media_id = $1"

YOUNGEST = timedelta(hours=1)
"""Younger objects are left alone: a segment is in the store before its row is, and a worker that was killed
between the two writes the row when it is back."""


async def orphan_objects(
    connection: Connection,
    store: ObjectStore,
    bucket: str,
    *,
    after: str = "",
    most: int = 50_000,
    now: datetime | None = None,
) -> Looked:
    """Objects that no row stands for, of the ``most`` objects whose keys follow ``after``.

    ``until`` is the ``after`` of the next look; it is empty when the end of the bucket was reached.
    """
    old = (now or datetime.now(UTC)) - YOUNGEST
    known: tuple[str, set[str]] = ("", set())
    at, broken, last = 0, [], ""
    async for item in store.list(bucket, "media/", after=after):
        if at == most:
            return Looked(at, tuple(broken), until=last)
        at, last = at + 1, item.key
        owner = _owner(item.key)
        if owner != known[0]:
            known = (owner, await _keys(connection, owner))
        if item.key not in known[1] and item.modified_at < old:
            broken.append(Broken(item.key, f"{item.size_bytes} bytes, no row", _uuid(owner)))
    return Looked(at, tuple(broken))


def _owner(key: str) -> str:
    """The item's part of a key ``media/{media_id}/…``."""
    return key.split("/", 2)[1]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


async def _keys(connection: Connection, owner: str) -> set[str]:
    media_id = _uuid(owner)
    return {row["key"] for row in await connection.fetch(_KEYS, media_id)} if media_id else set()
