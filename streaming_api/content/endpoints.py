"""Routes of content. Whoever calls comes first; what one may not see is not found."""

from typing import Literal
from uuid import UUID

from litestar import Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.response import Stream

from mcsp.errors import UnauthorizedError
from mcsp.pages import LIMIT_DEFAULT, Page
from streaming_api.content import logic
from streaming_api.content.events import stream
from streaming_api.content.schemas import ChangeMedia, MediaItem
from streaming_api.content.state import Content
from streaming_api.frame.callers import Person, Viewer
from streaming_api.frame.idempotent import IdempotencyKey, respond
from streaming_api.frame.paging import Cursor, Limit


def _id(viewer: Viewer | None) -> UUID | None:
    return viewer.user_id if viewer else None


@get("/v1/media/{media_id:uuid}", tags=["content"], summary="An item")
async def show_media(
    viewer: NamedDependency[Viewer | None], content: NamedDependency[Content], media_id: FromPath[UUID]
) -> MediaItem:
    """What state it is in and which renditions it has. Its owner sees it always, with its failure."""
    return await logic.show(content.items, media_id, _id(viewer))


@get("/v1/media", tags=["content"], summary="Items, newest first")
async def list_media(
    viewer: NamedDependency[Viewer | None],
    content: NamedDependency[Content],
    owner: FromQuery[Literal["me"] | None] = None,
    cursor: Cursor = None,
    limit: Limit = LIMIT_DEFAULT,
) -> Page[MediaItem]:
    """With ``owner=me`` all of the caller's own, in whatever state; else what ``/v1/feed`` gives."""
    if owner is None:
        return await logic.feed(content.items, cursor, limit)
    if viewer is None:
        raise UnauthorizedError("not_logged_in", "This needs a logged-in person.", action="Log in first.")
    return await logic.mine(content.items, viewer.user_id, cursor, limit)


@get("/v1/feed", tags=["content"], summary="What anyone may play, newest first")
async def show_feed(
    viewer: NamedDependency[Viewer | None],
    content: NamedDependency[Content],
    cursor: Cursor = None,
    limit: Limit = LIMIT_DEFAULT,
) -> Page[MediaItem]:
    """Public items that play."""
    return await logic.feed(content.items, cursor, limit)


@get("/v1/media/events", tags=["content"], summary="Live state of my items (server-sent events)")
async def follow_media(person: NamedDependency[Person], content: NamedDependency[Content]) -> Stream:
    """First the state of the newest items, then each change: events ``item`` with an item as data."""
    return Stream(
        stream(content.items, content.live, person),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


@patch("/v1/media/{media_id:uuid}", tags=["content"], summary="Rename an item, change who may see it")
async def change_media(
    person: NamedDependency[Person],
    content: NamedDependency[Content],
    media_id: FromPath[UUID],
    data: JSONBody[ChangeMedia],
    idempotency_key: IdempotencyKey = None,
) -> Response[MediaItem]:
    """Gives the item as it is then."""
    return respond(await logic.change(content.items, media_id, person.user_id, data, idempotency_key))


@delete("/v1/media/{media_id:uuid}", tags=["content"], summary="Delete an item for good", status_code=204)
async def delete_media(
    person: NamedDependency[Person],
    content: NamedDependency[Content],
    media_id: FromPath[UUID],
    idempotency_key: IdempotencyKey = None,
) -> None:
    """Work on it ends, an upload still under way too, and its objects go. Repeating it changes nothing."""
    await logic.delete(content.items, media_id, person.user_id, idempotency_key)


@post("/v1/media/{media_id:uuid}/retry", tags=["content"], summary="Try failed work again", status_code=202)
async def retry_media(
    person: NamedDependency[Person],
    content: NamedDependency[Content],
    media_id: FromPath[UUID],
    idempotency_key: IdempotencyKey = None,
) -> Response[MediaItem]:
    """Only what may get through by itself is tried again; 409 when there is nothing of that kind."""
    return respond(await logic.retry(content.items, media_id, person.user_id, idempotency_key))


ROUTES = [
    show_media, list_media, show_feed, follow_media, change_media, delete_media, retry_media,
]  # fmt: skip
