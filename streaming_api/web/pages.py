"""Home, watch and studio as HTML. What does not belong here: words (``words``), questions (``backend``)."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Template

from mcsp.errors import NotFoundError, UnavailableError
from streaming_api.web import backend, words
from streaming_api.web.errors import NOT_FOUND, UNAVAILABLE, error_page
from streaming_api.web.security import page_headers
from streaming_api.web.state import Web
from warehouse.views.rule import CURRENT, WORDS


class Card(msgspec.Struct, frozen=True):
    """One item of a list, ready to be shown."""

    media_id: UUID
    title: str
    kind: str | None
    poster_url: str | None
    duration: str
    age: str
    at: datetime
    working: str


@get("/", include_in_schema=False, name="home")
async def home(
    request: Request[Any, Any, Any], web: NamedDependency[Web], cursor: FromQuery[str | None] = None
) -> Template:
    """Items, newest first; complete without a script."""
    try:
        page = await backend.newest(web.client(request), cursor)
    except NotFoundError:
        return error_page(web, ("No such page of the list", "The link is not one of ours."), 404)
    except UnavailableError:
        return _page(web, "home.html", status=503, at="home", unavailable=True)
    now = datetime.now(UTC)
    cards = [card_of(item, now) for item in page.items]
    return _page(web, "home.html", at="home", cards=cards, cursor=cursor, next_cursor=page.next)


@get("/watch/{media_id:str}", include_in_schema=False, name="watch")
async def watch(
    request: Request[Any, Any, Any], web: NamedDependency[Web], media_id: FromPath[str]
) -> Template:
    """One item. What the caller may not see is a 404 like what is not there.

    A page request carries no token, so the owner's private items are asked for again by the 404 page's
    script, with the token in its memory.
    """
    authorization = request.headers.get("authorization")
    client = web.client(request)
    try:
        key = UUID(media_id)
        item = await backend.item(client, key, authorization)
        poster_url = await backend.poster(client, item, authorization)
    except (NotFoundError, ValueError):
        return error_page(web, NOT_FOUND, 404, reveal=authorization is None)
    except UnavailableError:
        return error_page(web, UNAVAILABLE, 503)
    page_url = f"{web.options.api_url}/watch/{key}"
    context = watch_context(item, poster_url, datetime.now(UTC))
    return _page(web, "watch.html", private=authorization is not None, page_url=page_url, **context)


@get("/studio", include_in_schema=False, name="studio", sync_to_thread=False)
def studio(web: NamedDependency[Web]) -> Template:
    """The creator's page; its script asks for everything that belongs to a person."""
    return _page(web, "studio.html", at="studio")


@get("/studio/analytics", include_in_schema=False, name="analytics", sync_to_thread=False)
def analytics(web: NamedDependency[Web]) -> Template:
    """The creator's numbers; its script asks for everything that belongs to a person."""
    return _page(
        web, "analytics.html", at="studio", rule_version=CURRENT.version, rule=WORDS[CURRENT.version]
    )


def card_of(item: backend.Item, now: datetime) -> Card:
    """An item as a card."""
    at = _at(item) or now
    return Card(
        media_id=item.media_id,
        title=item.title,
        kind=item.kind,
        poster_url=item.poster_url,
        duration=words.clock(item.duration_s),
        age=words.age(at, now),
        at=at,
        working="" if words.on_stage(item.status) is None else "Being prepared",
    )


def _at(item: backend.Item) -> datetime | None:
    """Since when an item is there: its file was whole then; before that, since its upload began."""
    return item.completed_at or item.created_at


def watch_context(item: backend.Item, poster_url: str | None, now: datetime) -> dict[str, Any]:
    """What the watch page's template needs of an item."""
    at = _at(item)
    picture = next((rung for rung in item.renditions if rung.width and rung.height), None)
    return {
        "item": item,
        "poster_url": poster_url,
        "rungs": msgspec.json.encode([rung for rung in item.renditions if rung.kind == "video"]).decode(),
        "shape": words.shape(item.kind, picture and picture.width, picture and picture.height),
        "say": words.on_stage(item.status),
        "duration": words.clock(item.duration_s),
        "at": at.isoformat() if at else "",
        "age": words.age(at, now) if at else "",
    }


def _page(web: Web, name: str, *, status: int = 200, private: bool = False, **context: Any) -> Template:
    headers = page_headers(web.options) | {"Cache-Control": "no-store" if private else "no-cache"}
    return Template(name, context=context, status_code=status, headers=headers)
