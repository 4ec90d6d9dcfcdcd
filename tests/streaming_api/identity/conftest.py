"""Fixtures of identity's tests: a client from an address of its own, so that rate limits stay apart."""

import itertools
from collections.abc import AsyncIterator

import httpx
import pytest

from mcsp.ids import uuid7
from tests.streaming_api.api import ApiProcess

PASSWORD = "correct horse battery"
_ADDRESSES = itertools.count(2)


def new_client(url: str) -> httpx.AsyncClient:
    """A client whose requests come from a loopback address nobody else uses."""
    number = next(_ADDRESSES)
    address = f"127.44.{number // 250}.{number % 250 + 1}"
    return httpx.AsyncClient(
        base_url=url, transport=httpx.AsyncHTTPTransport(local_address=address), timeout=30
    )


@pytest.fixture
async def client(api: ApiProcess) -> AsyncIterator[httpx.AsyncClient]:
    async with new_client(api.url) as http:
        yield http


def new_email() -> str:
    return f"{uuid7().hex}@example.org"


async def registered(client: httpx.AsyncClient, email: str = "") -> str:
    """Register somebody; gives the address."""
    email = email or new_email()
    body = {"email": email, "password": PASSWORD, "display_name": "Ann"}
    answer = await client.post("/v1/auth/register", json=body)
    assert answer.status_code == 201, answer.text
    return email


async def logged_in(client: httpx.AsyncClient, email: str = "") -> dict[str, str]:
    """The tokens of somebody, who is registered when no address is given."""
    email = email or await registered(client)
    answer = await client.post("/v1/auth/login", json={"email": email, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return answer.json()


def bearer(tokens: dict[str, str]) -> dict[str, str]:
    return {"authorization": f"Bearer {tokens['access_token']}"}


def refused(answer: httpx.Response, status: int, code: str) -> bool:
    """The answer is a problem document with this status and code; shows the whole of it otherwise."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    return True
