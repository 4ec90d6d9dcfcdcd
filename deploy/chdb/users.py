"""Who may ask the endpoint for what. What does not belong here: how a right is enforced (``engine``)."""

import base64
import binascii
import hmac
from collections.abc import Mapping
from enum import Enum
from pathlib import Path

import msgspec


class Right(Enum):
    """``read``: queries. ``write``: queries and ``INSERT … FORMAT``. ``define``: anything."""

    READ = "read"
    WRITE = "write"
    DEFINE = "define"


class User(msgspec.Struct, frozen=True):
    """One user as it stands in the users' file."""

    name: str
    password: str
    right: Right


class Users:
    """The users of an endpoint. A user without a password never gets in."""

    def __init__(self, users: list[User]) -> None:
        self._by_name = {user.name: user for user in users if user.password}

    @classmethod
    def read(cls, path: Path) -> "Users":
        """The users of a JSON file. Raises what msgspec raises where it is no list of users."""
        return cls(msgspec.json.decode(path.read_bytes(), type=list[User]))

    def find(self, headers: Mapping[str, str]) -> User | None:
        """The user that a request proves to be: HTTP Basic, or ClickHouse's own two headers."""
        name, password = _given(headers)
        user = self._by_name.get(name)
        if user is None or not hmac.compare_digest(user.password.encode(), password.encode()):
            return None
        return user


def _given(headers: Mapping[str, str]) -> tuple[str, str]:
    scheme, _, value = headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return headers.get("X-ClickHouse-User", ""), headers.get("X-ClickHouse-Key", "")
    try:
        name, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, password
