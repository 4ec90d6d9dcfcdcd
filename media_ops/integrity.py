"""What must hold between rows, recipes and objects, and whether it does.

Each function looks at a bounded number of things and gives how many it looked at and which are broken.
What does not belong here: repairing, and how often to look (``orchestration``).
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from posixpath import dirname, join, normpath
from uuid import UUID

import asyncpg
import m3u8
import msgspec

from mcsp.database.pool import Connection
from mcsp.errors import NotFoundError
from mcsp.s3 import ObjectStore
from media_ops.lineage import end_of
from media_ops.recipes import Recipe, Rung, rendition_digest


class Broken(msgspec.Struct, frozen=True):
    """One thing that does not hold: what it is, why, and the item it belongs to where there is one."""

    what: str
    why: str
    media_id: UUID | None = None


class Looked(msgspec.Struct, frozen=True):
    """``at`` things were looked at; ``broken`` do not hold. ``until``: where to go on, "" at the end."""

    at: int
    broken: tuple[Broken, ...]
    until: str = ""


_STUCK = "SELECT media_id, status, reason FROM media_ops.never_stuck ORDER BY media_id LIMIT $1"
_ITEMS = "SELECT count(DISTINCT media_id) FROM media_ops.source_lineage WHERE state <> 'deleted'"


async def stuck_items(connection: Connection, *, most: int = 1000) -> Looked:
    """Items that are neither playable, failed with a card, held, nor have a live lease or a due time."""
    rows = await connection.fetch(_STUCK, most)
    return Looked(
        at=int(await connection.fetchval(_ITEMS) or 0),
        broken=tuple(Broken(row["reason"], f"item is {row['status']}", row["media_id"]) for row in rows),
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


_PACKAGES = """
SELECT DISTINCT ON (p.media_id) p.media_id, p.bucket, p.prefix, p.state,
       ARRAY(SELECT r.digest FROM media_ops.rendition_lineage r
              WHERE r.media_id = p.media_id AND r.digest = ANY (p.rungs) AND r.state = 'published') AS rungs
FROM media_ops.package_lineage p JOIN media_ops.source_lineage s USING (media_id, source_version)
WHERE p.completed_at >= $1 AND p.completed_at < $2 AND p.rendered_at IS NOT NULL AND s.state <> 'deleted'
ORDER BY p.media_id DESC, p.manifest_version DESC LIMIT $3
"""

_ROWS_OF = "SELECT key, what FROM media_ops.object_lineage WHERE media_id = $1 AND bucket = $2"


async def incomplete_packages(
    connection: Connection, store: ObjectStore, hour: datetime, *, most: int
) -> Looked:
    """Of the newest ``most`` items of an hour: objects that rows or served manifests name but S3 lacks.

    Where none is missing: lists of a finished version that do not end, and segments that they do not show.
    """
    packages = await connection.fetch(_PACKAGES, hour, end_of(hour), most)
    broken: list[Broken] = []
    for package in packages:
        media_id, bucket = package["media_id"], package["bucket"]
        kinds = dict(await connection.fetch(_ROWS_OF, media_id, bucket))
        rows = set(kinds)
        there = {item.key async for item in store.list(bucket, f"media/{media_id}/")}
        named, endless = await _references(store, bucket, f"{package['prefix']}/master.m3u8")
        gone = sorted((rows | named) - there)
        broken += [
            Broken(key, "a manifest names it" if key in named else "a row names it", media_id) for key in gone
        ]
        if package["state"] == "finished" and not gone:
            broken += [Broken(key, "a finished list has no end", media_id) for key in sorted(endless)]
            made = {
                key for key, kind in kinds.items() if kind == "segment" and _rung(key) in package["rungs"]
            }
            broken += [Broken(key, "no finished list shows it", media_id) for key in sorted(made - named)]
    return Looked(at=len(packages), broken=tuple(broken))


async def _references(store: ObjectStore, bucket: str, master: str) -> tuple[set[str], set[str]]:
    """Every key that an HLS master playlist leads to, itself included (RFC 8216, section 4).

    And of the media playlists among them those without an end.
    """
    found, endless = {master}, set[str]()
    for playlist in _uris(await _text(store, bucket, master), master):
        text = await _text(store, bucket, playlist)
        found |= {playlist} | _uris(text, playlist)
        if not m3u8.loads(text).is_endlist:
            endless.add(playlist)
    return found, endless


async def _text(store: ObjectStore, bucket: str, key: str) -> str:
    """A playlist, or nothing where it is not there: the caller finds that its key is missing."""
    try:
        return (await store.get(bucket, key)).decode()
    except NotFoundError:
        return ""


def _uris(playlist: str, key: str) -> set[str]:
    parsed = m3u8.loads(playlist) if playlist else m3u8.M3U8()
    uris: Iterable[str | None] = (
        *(variant.uri for variant in parsed.playlists),
        *(media.uri for media in parsed.media),
        *(segment.uri for segment in parsed.segments),
        *(part.uri for part in parsed.segment_map),
    )
    return {normpath(join(dirname(key), uri)) for uri in uris if uri}


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


def _rung(key: str) -> str:
    """The rendition's part of a segment's key ``media/{media_id}/{digest}/{n}.m4s``."""
    return key.split("/")[2]


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


async def _keys(connection: Connection, owner: str) -> set[str]:
    media_id = _uuid(owner)
    return {row["key"] for row in await connection.fetch(_KEYS, media_id)} if media_id else set()
