"""The HTTP routes of identity."""

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency

from streaming_api.frame.callers import Person, Viewer
from streaming_api.frame.idempotent import IdempotencyKey, respond
from streaming_api.frame.rate_limit import address_of
from streaming_api.identity.schemas import Login, Logout, Me, Refresh, Register, Registered, Tokens
from streaming_api.identity.state import Identity


@post("/v1/auth/register", status_code=201, summary="Make an account")
async def register(
    viewer: NamedDependency[Viewer | None],
    data: Register,
    request: Request[Any, Any, Any],
    identity: NamedDependency[Identity],
    idempotency_key: IdempotencyKey = None,
) -> Response[Registered]:
    """Make an account. 409 when the address has one; 429 over 60 a minute from an address."""
    await identity.register_limit.take(address_of(request))
    return respond(await identity.accounts.register(data, idempotency_key))


@post("/v1/auth/login", status_code=200, summary="Log in")
async def login(
    viewer: NamedDependency[Viewer | None],
    data: Login,
    request: Request[Any, Any, Any],
    identity: NamedDependency[Identity],
) -> Tokens:
    """Begin a session. 401 for any wrong pair; 429 over 60 a minute from an address."""
    await identity.login_limit.take(address_of(request))
    return await identity.sessions.begin(await identity.accounts.authenticate(data))


@post("/v1/auth/refresh", status_code=200, summary="Renew the tokens")
async def refresh(
    viewer: NamedDependency[Viewer | None], data: Refresh, identity: NamedDependency[Identity]
) -> Tokens:
    """New tokens for the last refresh token. One that was used before ends its session."""
    return await identity.sessions.renew(data.refresh_token)


@post("/v1/auth/logout", status_code=204, summary="Log out")
async def logout(
    viewer: NamedDependency[Viewer | None],
    request: Request[Any, Any, Any],
    identity: NamedDependency[Identity],
    data: Logout | None = None,
) -> None:
    """End the session of the refresh token in the body, or else of the access token."""
    await identity.sessions.end(data.refresh_token if data else None, viewer)


@get("/v1/me", summary="The logged-in person")
async def me(person: NamedDependency[Person], identity: NamedDependency[Identity]) -> Me:
    """Who is logged in. 401 once the session has ended, also while its access token still runs."""
    live = await identity.sessions.live(person)
    return Me(live.user_id, live.email, live.display_name, live.confirmed, live.created_at)


@get("/v1/auth/jwks.json", summary="The public keys of access tokens", cache_control=None)
async def public_keys(
    viewer: NamedDependency[Viewer | None], identity: NamedDependency[Identity]
) -> Response[dict[str, Any]]:
    """The JWK set (RFC 7517) that checks access tokens."""
    return Response(identity.public_keys(), headers={"cache-control": "public, max-age=300"})


ROUTES = [register, login, refresh, logout, me, public_keys]
