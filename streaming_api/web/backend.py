"""What the pages ask of the content, playback and identity services, over HTTP like anyone else.

Each question has a deadline. Fallbacks: the home page says that its list is not available; a watch page
without an answer is an error page; a session that cannot be renewed stays as it is.
"""

from datetime import datetime
from uuid import UUID

import httpx
import msgspec

from mcsp.errors import NotFoundError, UnavailableError

DEADLINE_S = 5.0
PAGE_SIZE = 24


class Rendition(msgspec.Struct, frozen=True):
    """A rung, as far as a page needs it."""

    name: str
    kind: str
    state: str
    width: int | None = None
    height: int | None = None


class Item(msgspec.Struct, frozen=True):
    """An item, as ``GET /v1/media`` and ``GET /v1/media/{id}`` give it."""

    media_id: UUID
    title: str
    status: str
    visibility: str
    created_at: datetime | None = None
    completed_at: datetime | None = None
    kind: str | None = None
    audience: str = "public"
    duration_s: float | None = None
    progress: float = 0.0
    poster_url: str | None = None
    renditions: list[Rendition] = []


class ItemPage(msgspec.Struct, frozen=True):
    """A page of items, newest first."""

    items: list[Item]
    next: str | None = None


class Playback(msgspec.Struct, frozen=True):
    """The part of ``GET /v1/playback/{id}`` that a page shows before its script runs."""

    poster_url: str | None = None


async def newest(client: httpx.AsyncClient, cursor: str | None) -> ItemPage:
    """Public items, newest first. Raises NotFoundError for a cursor that is none, UnavailableError."""
    query: dict[str, str | int] = {"limit": PAGE_SIZE} | ({"cursor": cursor} if cursor else {})
    answer = await _get(client, "/v1/media", query, None)
    return msgspec.json.decode(answer, type=ItemPage)


async def item(client: httpx.AsyncClient, media_id: UUID, authorization: str | None) -> Item:
    """One item. Raises NotFoundError where there is none that the caller may see."""
    return msgspec.json.decode(await _get(client, f"/v1/media/{media_id}", {}, authorization), type=Item)


async def poster(client: httpx.AsyncClient, item: Item, authorization: str | None) -> str | None:
    """The signed address of an item's poster; None while there is none."""
    if item.poster_url or item.status not in ("playable", "ready"):
        return item.poster_url
    try:
        answer = await _get(client, f"/v1/playback/{item.media_id}", {}, authorization)
    except NotFoundError:
        return None
    return msgspec.json.decode(answer, type=Playback).poster_url


async def post(
    client: httpx.AsyncClient, path: str, body: bytes, on_behalf: dict[str, str]
) -> httpx.Response:
    """Passes a JSON body on to identity and gives the answer as it is. Raises UnavailableError.

    ``on_behalf``: headers that say for whom.
    """
    headers = {"Content-Type": "application/json", **on_behalf}
    try:
        return await client.post(path, content=body, headers=headers)
    except httpx.HTTPError as error:
        raise UnavailableError(
            "identity_unavailable", "Logging in is not possible right now.", action="Try again in a moment."
        ) from error


async def _get(
    client: httpx.AsyncClient, path: str, query: dict[str, str | int], authorization: str | None
) -> bytes:
    headers = {"Authorization": authorization} if authorization else {}
    try:
        answer = await client.get(path, params=query, headers=headers)
    except httpx.HTTPError as error:
        raise _unavailable() from error
    if answer.status_code in (400, 401, 403, 404, 409):
        raise NotFoundError("not_found", "There is nothing here.", action="Go to the newest items.")
    if not answer.is_success:
        raise _unavailable()
    return answer.content


def _unavailable() -> UnavailableError:
    return UnavailableError(
        "service_unavailable", "The server does not answer right now.", action="Try again in a moment."
    )
