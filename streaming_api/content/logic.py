"""What people may see and do with items. SQL, routes and live state stand elsewhere."""

import time
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec
import structlog

from mcsp.database.pool import Connection
from mcsp.errors import ConflictError, Failure, InvalidInputError, NotFoundError
from mcsp.idempotency import Answer, Idempotency, answer_of, digest_of
from mcsp.pages import Page, decode_cursor, page_of
from streaming_api.content import repository
from streaming_api.content.repository import Position, Row
from streaming_api.content.schemas import ChangeMedia, MediaItem, RenditionView
from streaming_api.labels import checked_title
from streaming_api.signer import PathSigner, expiry

log = structlog.get_logger()


@dataclass(frozen=True)
class Items:
    """What the functions below work with. ``signer`` makes poster addresses."""

    pool: asyncpg.Pool
    signer: PathSigner
    idempotency: Idempotency


class _After(msgspec.Struct, frozen=True):
    at: datetime
    media_id: UUID


def item_of(items: Items, row: Row, viewer_id: UUID | None) -> MediaItem:
    """An item as this viewer sees it; the failure card is its owner's."""
    failure = row.failure if row.owner_id == viewer_id else None
    return MediaItem(
        media_id=row.media_id,
        kind=row.kind,
        status="deleted" if row.deleted else row.status,
        audience=row.audience,
        visibility=row.visibility,
        title=row.title,
        duration_s=row.duration_s,
        renditions=msgspec.convert(row.renditions, list[RenditionView]),
        failure=msgspec.convert(failure, Failure) if failure else msgspec.UNSET,
        progress=round(row.progress, 4),
        eta_s=None if row.eta_s is None else round(row.eta_s, 1),
        created_at=row.created_at,
        completed_at=row.completed_at,
        poster_url=_poster_url(items, row),
    )


def _poster_url(items: Items, row: Row) -> str | None:
    if row.poster_key is None:
        return None
    base = items.signer.base(row.media_id, expiry(time.time(), row.duration_s))
    return base + row.poster_key.removeprefix(f"media/{row.media_id}")


async def show(items: Items, media_id: UUID, viewer_id: UUID | None) -> MediaItem:
    """The item. Raises NotFoundError for one the viewer may not see, as for one that is not there."""
    row = await repository.visible(items.pool, media_id, viewer_id)
    if row is None:
        raise _not_found()
    return item_of(items, row, viewer_id)


def _not_found() -> NotFoundError:
    return NotFoundError(
        "media_not_found", "There is no such item, or you may not see it.",
        action="Check its address; if it is private, log in as its owner.",
    )  # fmt: skip


async def mine(items: Items, owner_id: UUID, cursor: str | None, limit: int) -> Page[MediaItem]:
    """A page of the person's own items, newest first, in whatever state."""
    rows = await repository.mine(items.pool, owner_id, _after("mine", cursor), limit + 1)
    shown = [item_of(items, row, owner_id) for row in rows]
    return page_of(shown, limit, "mine", lambda item: _After(item.created_at, item.media_id))


async def feed(items: Items, cursor: str | None, limit: int) -> Page[MediaItem]:
    """A page of what anyone may find and play, those whose file was whole last first."""
    rows = await repository.feed(items.pool, _after("feed", cursor), limit + 1)
    shown = [item_of(items, row, None) for row in rows]
    return page_of(
        shown, limit, "feed", lambda item: _After(item.completed_at or item.created_at, item.media_id)
    )


def _after(kind: str, cursor: str | None) -> Position:
    after = decode_cursor(kind, _After, cursor)
    return Position(after.at, after.media_id) if after else Position()


async def change(
    items: Items, media_id: UUID, owner_id: UUID, wanted: ChangeMedia, key: str | None
) -> Answer:
    """Rename an item or change who may see it; the answer carries the item."""
    if wanted.title is None and wanted.visibility is None:
        raise InvalidInputError(
            "nothing_to_change", "This changes nothing.", action="Send a title, a visibility or both."
        )
    title = None if wanted.title is None else checked_title(wanted.title)

    async def work(connection: Connection) -> Answer:
        if not await repository.update(connection, media_id, owner_id, title, wanted.visibility):
            raise _not_found()
        return await _shown(items, connection, media_id, owner_id, 200)

    digest = digest_of(f"change {media_id}", wanted)
    return await items.idempotency.run(work, scope=str(owner_id), key=key, digest=digest)


async def delete(items: Items, media_id: UUID, owner_id: UUID, key: str | None) -> Answer:
    """Delete an item, its open upload and all work on it, in one transaction; once more changes nothing."""

    async def work(connection: Connection) -> Answer:
        if not await repository.delete(connection, media_id, owner_id):
            raise _not_found()
        log.info("item deleted", media_id=str(media_id))
        return Answer(204, b"")

    digest = digest_of(f"delete {media_id}", None)
    return await items.idempotency.run(work, scope=str(owner_id), key=key, digest=digest)


async def retry(items: Items, media_id: UUID, owner_id: UUID, key: str | None) -> Answer:
    """Try the item's failed work again; the answer carries the item."""

    async def work(connection: Connection) -> Answer:
        match await repository.retry(connection, media_id, owner_id):
            case None:
                raise _not_found()
            case False:
                raise ConflictError(
                    "nothing_to_retry", "Nothing of this item would get through if it were tried again.",
                    action="Upload another file.",
                )  # fmt: skip
        return await _shown(items, connection, media_id, owner_id, 202)

    digest = digest_of(f"retry {media_id}", None)
    return await items.idempotency.run(work, scope=str(owner_id), key=key, digest=digest)


async def _shown(items: Items, connection: Connection, media_id: UUID, owner_id: UUID, status: int) -> Answer:
    row = await repository.visible(connection, media_id, owner_id)
    if row is None:
        raise _not_found()
    return answer_of(status, item_of(items, row, owner_id))
