"""Who calls: access tokens checked locally against the identity service's public keys (RFC 8725, 7517).

Endpoints say who may call them in their first argument: ``person: NamedDependency[Person]`` (must be logged
in) or ``viewer: NamedDependency[Viewer | None]``. A wrong or expired token is 401 everywhere, also where
none is needed. What does not belong here: making tokens; see ``streaming_api.identity``.
"""

import base64
import time
import warnings
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias
from uuid import UUID

import msgspec
import structlog
from joserfc import jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import KeySet
from litestar import Request
from litestar.di import NamedDependency, Provide

from mcsp.errors import UnauthorizedError, UnavailableError

ISSUER = "mcsp-identity"
AUDIENCE = "mcsp"
ALGORITHM = "EdDSA"
LEEWAY_S = 5
REFRESH_S = 10
REMEMBERED = 20_000

# RFC 9864 renames EdDSA to Ed25519; clients in the field know EdDSA (RFC 8037).
warnings.filterwarnings("ignore", category=SecurityWarning, message="EdDSA is deprecated")

log = structlog.get_logger()

# What a stranger's text can make a parser raise: TypeError and KeyError where joserfc meets a member of
# another type, RecursionError where text nests too deep.
_UNREADABLE = (JoseError, ValueError, TypeError, KeyError, RecursionError, msgspec.MsgspecError)

FetchKeys = Callable[[], Awaitable[dict[str, Any]]]


class Person(msgspec.Struct, frozen=True):
    """A logged-in person, the session that the token belongs to, and when the token ends (Unix seconds)."""

    user_id: UUID
    session_id: UUID
    expires_at: int


Viewer: TypeAlias = Person


class _Header(msgspec.Struct, frozen=True):
    """What of a token's header chooses its key; anything else in it is read once the key is known."""

    kid: str


class _Claims(msgspec.Struct, frozen=True):
    iss: str
    aud: str
    sub: UUID
    sid: UUID
    exp: int
    nbf: int = 0


def _refused(code: str, message: str) -> UnauthorizedError:
    return UnauthorizedError(code, message, action="Log in again, or renew the token.")


class TokenVerifier:
    """Checks tokens with keys from ``fetch`` (a JWK set), asked for when an unknown key id appears.

    A token that was good is remembered until it expires: tokens cannot be taken back before that anyway
    (ten minutes), and a signature check costs 70 µs.
    """

    def __init__(self, fetch: FetchKeys, *, clock: Callable[[], float] = time.time) -> None:
        self._fetch, self._clock = fetch, clock
        self._keys: KeySet | None = None
        self._known: set[str] = set()
        self._fetched_at = float("-inf")
        self._good: dict[str, tuple[Person, int]] = {}

    async def person(self, authorization: str) -> Person:
        """The person of an ``Authorization`` header.

        Raises UnauthorizedError, and UnavailableError while no keys can be had.
        """
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise _refused("bad_token", "The Authorization header is not a bearer token.")
        if (remembered := self._good.get(token)) is not None:
            if self._clock() < remembered[1] + LEEWAY_S:
                return remembered[0]
            self._good.pop(token, None)
        return await self._check(token)

    async def _check(self, token: str) -> Person:
        if len(token) > 2048:
            raise _refused("bad_token", "This is no access token of ours.")
        await self._have_key_of(token)
        claims = self._claims(token)
        now = self._clock()
        if claims.iss != ISSUER or claims.aud != AUDIENCE or claims.nbf > now + LEEWAY_S:
            raise _refused("bad_token", "This token is not meant for this service.")
        if claims.exp + LEEWAY_S <= now:
            raise _refused("token_expired", "The access token has expired.")
        person = Person(claims.sub, claims.sid, claims.exp)
        while len(self._good) >= REMEMBERED:
            self._good.pop(next(iter(self._good)))
        self._good[token] = (person, claims.exp)
        return person

    def _claims(self, token: str) -> _Claims:
        if self._keys is None:
            raise UnavailableError(
                "no_keys", "The keys that check access tokens cannot be had right now.",
                action="Try again in a moment.",
            )  # fmt: skip
        try:
            decoded = jwt.decode(token, self._keys, algorithms=[ALGORITHM])
            if decoded.header.get("typ") != "at+jwt":
                raise _refused("bad_token", "This is no access token.")
            return msgspec.convert(decoded.claims, _Claims, strict=False)
        except _UNREADABLE as error:
            raise _refused("bad_token", "This is no access token of ours.") from error

    async def _have_key_of(self, token: str) -> None:
        """Fetch the keys when this token's key is unknown, every ten seconds at most."""
        try:
            header = msgspec.json.decode(_unpadded(token.split(".", 1)[0]), type=_Header)
        except _UNREADABLE as error:
            raise _refused("bad_token", "This is no access token of ours.") from error
        stale = time.monotonic() - self._fetched_at > (REFRESH_S if self._keys else 1)
        if header.kid in self._known or not stale:
            return
        self._fetched_at = time.monotonic()
        try:
            keys = await self._fetch()
        except UnavailableError as error:
            if self._keys is None:
                raise
            log.warning("public keys not renewed, the known ones stay", error=str(error))
            return
        self._keys = KeySet.import_key_set(keys)  # type: ignore[arg-type] -- a JWK set is a plain dict here
        self._known = {key["kid"] for key in keys["keys"]}


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def provide_viewer(request: Request[Any, Any, Any]) -> Viewer | None:
    """The caller, or None when nobody is logged in."""
    return request.scope["state"].get("person")


def provide_person(viewer: NamedDependency[Viewer | None]) -> Person:
    """The caller. Raises UnauthorizedError when nobody is logged in."""
    if viewer is None:
        raise UnauthorizedError("not_logged_in", "This needs a logged-in person.", action="Log in first.")
    return viewer


DEPENDENCIES = {
    "viewer": Provide(provide_viewer, sync_to_thread=False),
    "person": Provide(provide_person, sync_to_thread=False),
}
