"""Rows of ``content.media``, with the state that ``media_ops`` publishes. Who may see what is in the SQL."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from mcsp.database.pool import Connection
from mcsp.telemetry.traces import outgoing

# Lateral with OFFSET 0: PostgreSQL then asks the views item by item instead of computing them whole.
_STATE = """
SELECT m.media_id, m.owner_id, m.title, m.visibility, m.audience, m.created_at, m.completed_at,
       m.deleted_at IS NOT NULL AS deleted, s.kind, coalesce(s.status, 'uploading') AS status, s.duration_s,
       coalesce(s.progress, 0) AS progress, s.eta_s, s.failure, p.poster_key, r.renditions
FROM ({items}) m
LEFT JOIN LATERAL (SELECT * FROM media_ops.media_state x WHERE x.media_id = m.media_id OFFSET 0) s ON true
LEFT JOIN LATERAL (SELECT * FROM media_ops.playable x WHERE x.media_id = m.media_id OFFSET 0) p ON true
CROSS JOIN LATERAL (
    SELECT coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
               'name', x.name, 'kind', x.kind, 'codec', x.codec, 'width', x.width, 'height', x.height,
               'bitrate', x.bitrate, 'recipe', x.recipe, 'state', x.state))
               ORDER BY x.kind DESC, x.height DESC NULLS LAST, x.bitrate DESC), '[]') AS renditions
    FROM media_ops.rendition_state x WHERE x.media_id = m.media_id) r
ORDER BY m.{order} DESC, m.media_id DESC
"""
_VISIBLE = _STATE.format(
    order="created_at",
    items="""
    SELECT * FROM content.media
    WHERE media_id = $1 AND deleted_at IS NULL
      AND (owner_id = $2 OR audience = 'public' AND visibility IN ('public', 'unlisted'))""",
)
_MINE = _STATE.format(
    order="created_at",
    items="""
    SELECT * FROM content.media
    WHERE owner_id = $1 AND deleted_at IS NULL
      AND ($2::timestamptz IS NULL OR (created_at, media_id) < ($2, $3))
    ORDER BY created_at DESC, media_id DESC LIMIT $4""",
)
_FEED = _STATE.format(
    order="completed_at",
    items="""
    SELECT f.* FROM content.media f
    JOIN LATERAL (SELECT FROM media_ops.playable x WHERE x.media_id = f.media_id OFFSET 0) p ON true
    WHERE f.deleted_at IS NULL AND f.visibility = 'public' AND f.audience = 'public'
      AND f.completed_at IS NOT NULL
      AND ($1::timestamptz IS NULL OR (f.completed_at, f.media_id) < ($1, $2))
    ORDER BY f.completed_at DESC, f.media_id DESC LIMIT $3""",
)
_CHANGED = _STATE.format(
    order="created_at",
    items="SELECT * FROM content.media WHERE media_id = ANY ($1) AND owner_id = ANY ($2)",
)
_UPDATE = """
UPDATE content.media
SET title = coalesce($3, title), visibility = coalesce($4, visibility), updated_at = now()
WHERE media_id = $1 AND owner_id = $2 AND deleted_at IS NULL RETURNING true
"""
_DELETE = """
UPDATE content.media SET deleted_at = coalesce(deleted_at, now()), updated_at = now()
WHERE media_id = $1 AND owner_id = $2 RETURNING true
"""
_OWNS = "SELECT true FROM content.media WHERE media_id = $1 AND owner_id = $2 AND deleted_at IS NULL"
_ABORT_UPLOAD = "SELECT uploads.abort_of_item($1, $2)"
# The work that these put belongs to the trace of the request.
_DELETE_MEDIA = "SELECT media_ops.delete_media($1) FROM set_config('mcsp.trace', $2::jsonb::text, true)"
_RETRY_MEDIA = "SELECT media_ops.retry_media($1) FROM set_config('mcsp.trace', $2::jsonb::text, true)"

Reader = Connection | asyncpg.Pool


@dataclass(frozen=True)
class Row:
    """An item with its state, as the database gives it."""

    media_id: UUID
    owner_id: UUID
    title: str
    visibility: Any
    audience: Any
    created_at: datetime
    completed_at: datetime | None
    deleted: bool
    kind: Any
    status: Any
    duration_s: float | None
    progress: float
    eta_s: float | None
    failure: dict[str, Any] | None
    poster_key: str | None
    renditions: list[dict[str, Any]]


@dataclass(frozen=True)
class Position:
    """Where a page begins: behind this row. ``at``: of a person's own list ``created_at``, of the feed
    ``completed_at``."""

    at: datetime | None = None
    media_id: UUID | None = None


async def visible(reader: Reader, media_id: UUID, viewer_id: UUID | None) -> Row | None:
    """The item if the viewer may see it: its owner always, others when it is public or unlisted."""
    row = await reader.fetchrow(_VISIBLE, media_id, viewer_id)
    return row and Row(**row)


async def mine(reader: Reader, owner_id: UUID, after: Position, limit: int) -> list[Row]:
    """A person's items, newest first."""
    rows = await reader.fetch(_MINE, owner_id, after.at, after.media_id, limit)
    return [Row(**row) for row in rows]


async def feed(reader: Reader, after: Position, limit: int) -> list[Row]:
    """Items that anyone may find and that play, those whose file was whole last first."""
    return [Row(**row) for row in await reader.fetch(_FEED, after.at, after.media_id, limit)]


async def changed(reader: Reader, media_ids: list[UUID], owner_ids: list[UUID]) -> list[Row]:
    """Those of the items that belong to the owners, deleted ones too."""
    return [Row(**row) for row in await reader.fetch(_CHANGED, media_ids, owner_ids)]


async def update(
    connection: Connection, media_id: UUID, owner_id: UUID, title: str | None, visibility: str | None
) -> bool:
    """Change a person's item; False when there is none."""
    return bool(await connection.fetchval(_UPDATE, media_id, owner_id, title, visibility))


async def delete(connection: Connection, media_id: UUID, owner_id: UUID) -> bool:
    """Delete a person's item, all work on it and an upload still under way, in the caller's transaction;
    False when there is none. The upload comes first: ``complete`` locks in that order too."""
    await connection.fetchval(_ABORT_UPLOAD, media_id, owner_id)
    if not await connection.fetchval(_DELETE, media_id, owner_id):
        return False
    await connection.fetchval(_DELETE_MEDIA, media_id, outgoing())
    return True


async def retry(connection: Connection, media_id: UUID, owner_id: UUID) -> bool | None:
    """Replay an item's dead jobs; False when none can be, None when the person has no such item."""
    if not await connection.fetchval(_OWNS, media_id, owner_id):
        return None
    return bool(await connection.fetchval(_RETRY_MEDIA, media_id, outgoing()))
