"""The local publisher: an account made at first use, its password kept under MCSP_HOME, readable by its
owner alone."""

import os
import secrets
from pathlib import Path

import msgspec

from streaming_api.publish.api import Api, RefusedError

_FILE = "publisher.json"


class Account(msgspec.Struct, frozen=True):
    """Credentials of the local publisher."""

    email: str
    password: str


class _Registration(msgspec.Struct, frozen=True):
    email: str
    password: str
    display_name: str


class _Registered(msgspec.Struct, frozen=True):
    """Of identity's answer nothing is needed."""


class _Tokens(msgspec.Struct, frozen=True):
    access_token: str


async def access_token(api: Api, home: Path) -> str:
    """A fresh access token of the local publisher; the account is made when there is none (any more)."""
    path = home / "secrets" / _FILE
    if path.exists():
        account = msgspec.json.decode(path.read_bytes(), type=Account)
        try:
            return await _log_in(api, account)
        except RefusedError as error:
            if error.status_seen != 401:
                raise
    return await _log_in(api, await _register(api, path))


async def _log_in(api: Api, account: Account) -> str:
    return (await api.call("POST", "/v1/auth/login", _Tokens, account)).access_token


async def _register(api: Api, path: Path) -> Account:
    name = secrets.token_hex(4)
    account = Account(f"publisher-{name}@mcsp.localhost", secrets.token_urlsafe(24))
    request = _Registration(account.email, account.password, "Local publisher")
    await api.call("POST", "/v1/auth/register", _Registered, request, key=f"publisher-{name}")
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_bytes(msgspec.json.encode(account))
    draft.replace(path)
    return account
