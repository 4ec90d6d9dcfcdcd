"""Tokens: signed access tokens (EdDSA, RFC 9068 form, ten minutes) and opaque refresh tokens.

The private key is read from ``identity_key_file`` by this service alone; everyone else has the public half.
"""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from joserfc import jwt
from joserfc.jwk import OKPKey

from mcsp.errors import UnauthorizedError
from streaming_api.frame.callers import ALGORITHM, AUDIENCE, ISSUER

ACCESS_S = 600
_PREFIX = "rt_"


@dataclass(frozen=True)
class Signer:
    """Signs access tokens with one Ed25519 key, whose id is its thumbprint (RFC 7638)."""

    key: OKPKey
    clock: Callable[[], float] = time.time

    def access_token(self, user_id: UUID, session_id: UUID) -> str:
        """An access token of a session, good for ``ACCESS_S`` seconds."""
        now = int(self.clock())
        header = {"alg": ALGORITHM, "kid": self.key.kid, "typ": "at+jwt"}
        claims = {
            "iss": ISSUER, "aud": AUDIENCE, "sub": str(user_id), "sid": str(session_id),
            "iat": now, "exp": now + ACCESS_S,
        }  # fmt: skip
        return jwt.encode(header, claims, self.key, algorithms=[ALGORITHM])

    def public_keys(self) -> dict[str, Any]:
        """The JWK set (RFC 7517) with the public half."""
        return {"keys": [self.key.as_dict(private=False)]}

    def secret_for(self, purpose: str) -> bytes:
        """A secret of this service's own, derived from the private key; 32 bytes, another by purpose."""
        return hmac.digest(str(self.key.as_dict(private=True)["d"]).encode(), purpose.encode(), "sha256")


def signer_from(path: Path) -> Signer:
    """The signer of a PEM file with an Ed25519 private key. Raises OSError or ValueError."""
    key = OKPKey.import_key(path.read_bytes(), {"use": "sig", "alg": ALGORITHM})
    if not key.is_private or key.curve_name != "Ed25519":
        raise ValueError(f"{path} holds no Ed25519 private key")
    key.ensure_kid()
    return Signer(key)


def new_refresh_token() -> str:
    """A fresh opaque refresh token (256 random bits)."""
    return _PREFIX + secrets.token_urlsafe(32)


def digest_of(refresh_token: str) -> bytes:
    """What is stored of a refresh token. Raises UnauthorizedError for what cannot be one."""
    body = refresh_token.removeprefix(_PREFIX)
    if body == refresh_token or len(body) != 43 or not body.isascii():
        raise bad_refresh_token()
    try:
        return hashlib.sha256(base64.urlsafe_b64decode(body + "=")).digest()
    except ValueError as error:
        raise bad_refresh_token() from error


def bad_refresh_token() -> UnauthorizedError:
    """The one answer to every refresh token that is not good: unknown, used, expired, revoked."""
    return UnauthorizedError("bad_refresh_token", "This session has ended.", action="Log in again.")
