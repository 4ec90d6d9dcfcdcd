"""The browser's session: the refresh token lives in a cookie no script can read, the access token in the
page's memory alone.

``/session/login`` and ``/session/refresh`` ask identity and answer ``{access_token, expires_in}``. The
cookie is HttpOnly, SameSite=Strict and sent to ``/session`` alone; a request that another site caused is
refused before that (Fetch Metadata, else Origin). What does not belong here: passwords, tokens' content.
"""

from typing import Any

import httpx
import msgspec
from litestar import Request, Response, Router, post
from litestar.datastructures import Cookie
from litestar.di import NamedDependency

from mcsp.errors import ForbiddenError, InvalidInputError, UnauthorizedError, UnavailableError
from streaming_api.web import backend
from streaming_api.web.state import Web

COOKIE = "mcsp_session"
PATH = "/session"
KEEP_S = 30 * 86_400


class Tokens(msgspec.Struct, frozen=True):
    """What identity answers to a login or a refresh."""

    access_token: str
    refresh_token: str
    expires_in: int


class PageToken(msgspec.Struct, frozen=True):
    """What the page's script gets. ``expires_in`` is in seconds."""

    access_token: str
    expires_in: int


@post("/login", status_code=200)
async def login(request: Request[Any, Any, Any], web: NamedDependency[Web]) -> Response[Any]:
    """Logs in with ``{email, password}``."""
    _same_site(request)
    return await _tokens(request, web, "/v1/auth/login", await request.body())


@post("/refresh", status_code=200)
async def refresh(request: Request[Any, Any, Any], web: NamedDependency[Web]) -> Response[Any]:
    """A new access token from the cookie; 401 where there is no living session."""
    _same_site(request)
    token = request.cookies.get(COOKIE)
    if not token:
        raise UnauthorizedError("no_session", "Nobody is logged in here.", action="Log in.")
    return await _tokens(request, web, "/v1/auth/refresh", msgspec.json.encode({"refresh_token": token}))


@post("/logout", status_code=200)
async def logout(request: Request[Any, Any, Any], web: NamedDependency[Web]) -> Response[Any]:
    """Ends the session at identity, then in this browser. 503 where it lives on: the cookie stays too."""
    _same_site(request)
    token = request.cookies.get(COOKIE)
    if token:
        await _end(request, web, msgspec.json.encode({"refresh_token": token}))
    return Response({}, cookies=[_cookie(web, "", 0)])


async def _ask(request: Request[Any, Any, Any], web: Web, path: str, body: bytes) -> httpx.Response:
    return await backend.post(web.client(request), path, body, web.on_behalf(request))


async def _end(request: Request[Any, Any, Any], web: Web, body: bytes) -> None:
    try:
        answer = await _ask(request, web, "/v1/auth/logout", body)
    except UnavailableError as error:
        raise _still_logged_in() from error
    if answer.status_code >= 500:
        raise _still_logged_in()


def _still_logged_in() -> UnavailableError:
    return UnavailableError(
        "still_logged_in", "The session could not be ended right now.", action="Try again in a moment."
    )


async def _tokens(request: Request[Any, Any, Any], web: Web, path: str, body: bytes) -> Response[Any]:
    answer = await _ask(request, web, path, body)
    if not answer.is_success:
        gone = [_cookie(web, "", 0)] if answer.status_code == 401 else []
        kind = answer.headers.get("content-type", "application/problem+json")
        return Response(answer.content, status_code=answer.status_code, media_type=kind, cookies=gone)
    tokens = msgspec.json.decode(answer.content, type=Tokens)
    return Response(
        PageToken(tokens.access_token, tokens.expires_in),
        headers={"Cache-Control": "no-store"},
        cookies=[_cookie(web, tokens.refresh_token, KEEP_S)],
    )


def _same_site(request: Request[Any, Any, Any]) -> None:
    site = request.headers.get("sec-fetch-site")
    own = site == "same-origin" if site else request.headers.get("origin", "") in ("", _own_origin(request))
    if not own:
        raise ForbiddenError(
            "other_site", "This request came from another site.", action="Open our own page and log in there."
        )
    if not request.headers.get("content-type", "").startswith("application/json"):
        raise InvalidInputError(
            "not_json", "The body is not marked as JSON.", action="Send it as application/json."
        )


def _own_origin(request: Request[Any, Any, Any]) -> str:
    return f"{request.url.scheme}://{request.url.netloc}"


def _cookie(web: Web, value: str, max_age: int) -> Cookie:
    secure = web.options.api_url.startswith("https:")
    return Cookie(
        COOKIE, value=value, path=PATH, max_age=max_age, httponly=True, secure=secure, samesite="strict"
    )


router = Router(
    PATH,
    route_handlers=[login, refresh, logout],
    include_in_schema=False,
    request_max_body_size=None,  # the frame's guard has read it already, with its own limit
)
