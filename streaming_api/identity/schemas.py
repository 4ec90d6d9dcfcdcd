"""The shapes of identity's HTTP API."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

Email = Annotated[str, msgspec.Meta(min_length=3, max_length=320)]
NewPassword = Annotated[str, msgspec.Meta(min_length=8, max_length=200)]
AnyPassword = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
DisplayName = Annotated[str, msgspec.Meta(min_length=1, max_length=80)]
RefreshToken = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class Register(msgspec.Struct, frozen=True):
    """A new account. The password has 8 to 200 characters, any of them."""

    email: Email
    password: NewPassword
    display_name: DisplayName


class Registered(msgspec.Struct, frozen=True):
    """The account that was made."""

    user_id: UUID


class Login(msgspec.Struct, frozen=True):
    """Credentials."""

    email: Email
    password: AnyPassword


class Refresh(msgspec.Struct, frozen=True):
    """The refresh token that was given last; it is good for one use."""

    refresh_token: RefreshToken


class Logout(msgspec.Struct, frozen=True):
    """The refresh token of the session to end; without it the session of the access token ends."""

    refresh_token: RefreshToken | None = None


class Tokens(msgspec.Struct, frozen=True):
    """Tokens of a session; ``expires_in`` is the access token's life in seconds."""

    access_token: str
    refresh_token: str
    expires_in: int
    token_type: str = "Bearer"  # noqa: S105 -- the scheme's name, no secret


class Me(msgspec.Struct, frozen=True):
    """The logged-in person."""

    user_id: UUID
    email: str
    display_name: str
    confirmed: bool
    created_at: datetime
