"""Whether everything that an hour's packages refer to is in the store, a portion of the hour at a time.

What does not belong here: objects that nobody refers to and other things that must hold (``integrity``).
"""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from posixpath import dirname, join, normpath
from uuid import UUID

import asyncpg
import m3u8

from mcsp.database.pool import Connection
from mcsp.errors import NotFoundError
from mcsp.s3 import ObjectStore
from media_ops.integrity import Broken, Looked
from media_ops.lineage import end_of

AT_ONCE = 8
"""Packages looked up in the store at once; a look costs a listing and a few small reads."""

_PACKAGES = """
SELECT DISTINCT ON (p.media_id) p.media_id, p.bucket, p.prefix, p.state,
       ARRAY(SELECT r.digest FROM media_ops.rendition_lineage r
              WHERE r.media_id = p.media_id AND r.digest = ANY (p.rungs) AND r.state = 'published') AS rungs
FROM media_ops.package_lineage p JOIN media_ops.source_lineage s USING (media_id, source_version)
WHERE p.completed_at >= $1 AND p.completed_at < $2 AND p.rendered_at IS NOT NULL AND s.state <> 'deleted'
  AND ($3::uuid IS NULL OR p.media_id > $3)
ORDER BY p.media_id, p.manifest_version DESC LIMIT $4
"""

_ROWS_OF = "SELECT key, what FROM media_ops.object_lineage WHERE media_id = $1 AND bucket = $2"


async def incomplete_packages(
    connection: Connection, store: ObjectStore, hour: datetime, *, after: str = "", within_s: float | None
) -> Looked:
    """Of an hour's items that follow the item ``after``: objects that rows or served manifests name but S3
    lacks. Where none is missing: lists of a finished version without an end, segments they do not show.

    After ``within_s`` seconds no further item is begun, but always some are looked at: ``until`` is the
    ``after`` of the next portion, empty at the hour's end. None looks at the whole hour.
    """
    clock = asyncio.get_running_loop().time
    deadline = None if within_s is None else clock() + within_s
    looked = Looked(0, (), until=after)
    while True:
        at = UUID(looked.until) if looked.until else None
        packages = await connection.fetch(_PACKAGES, hour, end_of(hour), at, AT_ONCE)
        looked = looked.then(await _portion(connection, store, packages))
        if not looked.until or (deadline is not None and clock() >= deadline):
            return looked


async def _portion(connection: Connection, store: ObjectStore, packages: list[asyncpg.Record]) -> Looked:
    """Rows by one connection one after the other, the store at once."""
    rows = [await connection.fetch(_ROWS_OF, one["media_id"], one["bucket"]) for one in packages]
    found = await asyncio.gather(
        *(_incomplete(store, one, dict(kinds)) for one, kinds in zip(packages, rows, strict=True))
    )
    until = str(packages[-1]["media_id"]) if len(packages) == AT_ONCE else ""
    return Looked(len(packages), tuple(broken for some in found for broken in some), until)


async def _incomplete(store: ObjectStore, package: asyncpg.Record, kinds: dict[str, str]) -> list[Broken]:
    """What is broken of one package; ``kinds`` are its item's objects as rows know them, by key."""
    media_id, bucket = package["media_id"], package["bucket"]
    named, endless = await _references(store, bucket, f"{package['prefix']}/master.m3u8")
    # After them: a growing item's lists name further segments meanwhile, each of which is there before.
    there = {item.key async for item in store.list(bucket, f"media/{media_id}/")}
    if gone := sorted((kinds.keys() | named) - there):
        return [
            Broken(key, "a manifest names it" if key in named else "a row names it", media_id) for key in gone
        ]
    if package["state"] != "finished":
        return []
    made = {key for key, kind in kinds.items() if kind == "segment" and _rung(key) in package["rungs"]}
    return [
        *(Broken(key, "a finished list has no end", media_id) for key in sorted(endless)),
        *(Broken(key, "no finished list shows it", media_id) for key in sorted(made - named)),
    ]


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


def _rung(key: str) -> str:
    """The rendition's part of a segment's key ``media/{media_id}/{digest}/{n}.m4s``."""
    return key.split("/")[2]
