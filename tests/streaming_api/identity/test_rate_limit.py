"""Promises of the rate limit: sixty a minute by address, exactly, with and without Valkey."""

import asyncio
import collections
import ipaddress
import secrets
from pathlib import Path

import httpx
import pytest

from deploy.handle import StackHandle
from mcsp.cache import Cache
from mcsp.errors import RateLimitedError
from mcsp.ids import uuid7
from mcsp.resources import Resources
from streaming_api.frame.rate_limit import RateLimit
from streaming_api.identity.state import LOGINS_A_MINUTE
from tests.streaming_api.api import ApiProcess
from tests.streaming_api.identity.conftest import new_client, new_email, refused
from tests.streaming_api.processes import Running


async def test_the_sixty_first_login_of_an_address_waits(api: ApiProcess) -> None:
    body = {"email": new_email(), "password": "wrong wrong"}
    async with new_client(api.url) as one, new_client(api.url) as other:
        answers = await asyncio.gather(*(one.post("/v1/auth/login", json=body) for _ in range(65)))
        assert collections.Counter(answer.status_code for answer in answers) == {401: 60, 429: 5}
        late = await one.post("/v1/auth/login", json=body)
        assert refused(late, 429, "too_many_requests")
        assert 1 <= int(late.headers["retry-after"]) <= 60
        assert (await other.post("/v1/auth/login", json=body)).status_code == 401
        assert (await one.get("/v1/auth/jwks.json")).status_code == 200


@pytest.fixture
async def used_up(resources: Resources) -> str:
    """An address that has had all its logins of this minute."""
    address = str(ipaddress.ip_address(secrets.randbits(24) | 10 << 24))
    limit = RateLimit(resources.cache, "login", LOGINS_A_MINUTE)
    for _ in range(LOGINS_A_MINUTE):
        await limit.take(address)
    return address


async def login_claiming(url: str, address: str) -> int:
    """The status of a login from 127.0.0.1, which HTTP servers like to believe, in another's name."""
    body = {"email": new_email(), "password": "wrong wrong"}
    async with httpx.AsyncClient(base_url=url, timeout=30) as http:
        return (
            await http.post("/v1/auth/login", json=body, headers={"x-forwarded-for": address})
        ).status_code


async def test_an_address_that_the_caller_claims_does_not_count(api: ApiProcess, used_up: str) -> None:
    assert await login_claiming(api.url, used_up) == 401


async def test_behind_a_trusted_edge_the_address_it_names_counts(
    stack: StackHandle, used_up: str, tmp_path: Path
) -> None:
    edge = {"MCSP_TRUSTED_EDGE": "127.0.0.0/8"}
    with Running(stack, "api", ("serve", "identity"), tmp_path / "log", **edge) as running:
        assert await login_claiming(running.url, used_up) == 429


@pytest.mark.parametrize("valkey", [True, False])
async def test_takers_at_once_get_exactly_the_limit(resources: Resources, valkey: bool) -> None:
    cache = resources.cache if valkey else Cache("redis://127.0.0.1:9/0", name="tests")
    limit, key = RateLimit(cache, "tests", 20), str(uuid7())
    results = await asyncio.gather(*(limit.take(key) for _ in range(50)), return_exceptions=True)
    assert sum(result is None for result in results) == 20
    assert sum(isinstance(result, RateLimitedError) for result in results) == 30


async def test_in_memory_the_window_slides() -> None:
    now = [1000.0]
    limit = RateLimit(Cache("redis://127.0.0.1:9/0", name="tests"), "tests", 2, clock=lambda: now[0])
    await limit.take("a")
    now[0] += 40
    await limit.take("a")
    with pytest.raises(RateLimitedError) as refusal:
        await limit.take("a")
    assert refusal.value.details["retry_after_s"] == 21
    now[0] += 21
    await limit.take("a")
    with pytest.raises(RateLimitedError):
        await limit.take("a")
