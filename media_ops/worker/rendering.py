"""Putting the manifests of an item's stale versions: playlists first, then what refers to them.

What does not belong here: their texts (``media_ops.manifests``), and when to render (``publisher``).
"""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from mcsp.database.pool import Connection
from mcsp.errors import NotFoundError
from mcsp.s3 import ObjectStore
from media_ops import keys
from media_ops.ledger import rendering
from media_ops.ledger.rendering import ManifestRow
from media_ops.manifests import dash, hls
from media_ops.manifests.rows import RenditionRow

HLS_TYPE, DASH_TYPE = "application/vnd.apple.mpegurl", "application/dash+xml"


class Text(msgspec.Struct, frozen=True):
    """An object of a manifest version: its name in the version's folder, text and content type."""

    name: str
    text: str
    content_type: str


async def render(
    store: ObjectStore, connection: Connection, media_id: UUID, stale: list[ManifestRow]
) -> None:
    """Put the manifests of these versions, as the rows are now. Raises what the store raises.

    However it ends, no put of it is under way here afterwards. One that still is on its way to the store
    (sent before our lock was lost, or given up by us) does no harm: objects are looked at before the rows
    are read, and replaced only while they are those. ConflictError says that somebody else was quicker.
    """
    for manifest in stale:
        folder = f"{manifest.prefix}/"
        seen = {item.key: item.etag async for item in store.list(manifest.bucket, folder)}
        renditions = await rendering.renditions(connection, media_id, manifest.rungs)
        try:
            await _put(store, manifest, renditions, seen)
        except ExceptionGroup as group:
            raise group.exceptions[0] from group


async def is_shown(store: ObjectStore, connection: Connection, media_id: UUID, manifest: ManifestRow) -> bool:
    """Whether every object of a finished version is in the store as the rows are now."""
    renditions = await rendering.renditions(connection, media_id, manifest.rungs)
    for wanted in (*_lists(manifest, renditions), _master(manifest, renditions)):
        try:
            found = await store.get(manifest.bucket, f"{manifest.prefix}/{wanted.name}")
        except NotFoundError:
            return False
        if found != wanted.text.encode():
            return False
    return True


async def _put(
    store: ObjectStore, manifest: ManifestRow, renditions: tuple[RenditionRow, ...], seen: dict[str, str]
) -> None:
    control = keys.FINISHED if manifest.finished else keys.GROWING

    async def put(new: Text) -> None:
        key = f"{manifest.prefix}/{new.name}"
        body = new.text.encode()
        await store.replace(manifest.bucket, key, body, new.content_type, control, seen=seen.get(key))

    # A group: where one put fails, none of the others is still under way once the lock is given up.
    async with asyncio.TaskGroup() as group:
        for new in _lists(manifest, renditions):
            group.create_task(put(new))
    if manifest.finished or manifest.rendered_revision == 0:
        await put(_master(manifest, renditions))


def _lists(manifest: ManifestRow, renditions: tuple[RenditionRow, ...]) -> list[Text]:
    finished, target_s = manifest.finished, manifest.target_duration_s
    mpd = dash.mpd(
        renditions, target_s=target_s, finished=finished, started_at=manifest.created_at,
        now=datetime.now(UTC), duration_s=manifest.duration_s,
    )  # fmt: skip
    playlists = [
        Text(row.playlist, hls.media(row, target_s=target_s, finished=finished), HLS_TYPE)
        for row in renditions
    ]
    return [Text("manifest.mpd", mpd, DASH_TYPE), *playlists]


def _master(manifest: ManifestRow, renditions: tuple[RenditionRow, ...]) -> Text:
    return Text("master.m3u8", hls.master(renditions, finished=manifest.finished), HLS_TYPE)
