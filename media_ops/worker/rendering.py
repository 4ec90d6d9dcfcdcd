"""Putting the manifests of an item's stale versions: playlists first, then what refers to them.

What does not belong here: their texts (``media_ops.manifests``), and when to render (``publisher``).
"""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

from mcsp.database.pool import Connection
from mcsp.s3 import ObjectStore
from media_ops import keys
from media_ops.ledger import rendering
from media_ops.ledger.rendering import StaleManifest
from media_ops.manifests import dash, hls
from media_ops.manifests.rows import RenditionRow

HLS_TYPE, DASH_TYPE = "application/vnd.apple.mpegurl", "application/dash+xml"


async def render(
    store: ObjectStore, connection: Connection, media_id: UUID, stale: list[StaleManifest]
) -> None:
    """Put the manifests of these versions, as the rows are now. Raises what the store raises.

    However it ends, no put of it is under way afterwards.
    """
    for manifest in stale:
        renditions = await rendering.renditions(connection, media_id, manifest.rungs)
        try:
            await _put(store, manifest, renditions)
        except ExceptionGroup as group:
            raise group.exceptions[0] from group


async def _put(store: ObjectStore, manifest: StaleManifest, renditions: tuple[RenditionRow, ...]) -> None:
    finished, target_s = manifest.state == "finished", manifest.target_duration_s
    control = keys.FINISHED if finished else keys.GROWING

    async def put(name: str, text: str, content_type: str) -> None:
        key = f"{manifest.prefix}/{name}"
        await store.put(manifest.bucket, key, text.encode(), content_type, control)

    mpd = dash.mpd(
        renditions, target_s=target_s, finished=finished, started_at=manifest.created_at,
        now=datetime.now(UTC),
    )  # fmt: skip
    # A group: where one put fails, none of the others is still under way once the lock is given up.
    async with asyncio.TaskGroup() as group:
        group.create_task(put("manifest.mpd", mpd, DASH_TYPE))
        for row in renditions:
            text = hls.media(row, target_s=target_s, finished=finished)
            group.create_task(put(row.playlist, text, HLS_TYPE))
    if finished or manifest.rendered_revision == 0:
        await put("master.m3u8", hls.master(renditions, finished=finished), HLS_TYPE)
