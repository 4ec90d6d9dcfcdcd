"""Promises of the browser's session with the real services behind it."""

import ipaddress
import secrets
from pathlib import Path

import httpx
import pytest

from deploy.handle import StackHandle
from mcsp.resources import Resources
from streaming_api.frame.rate_limit import RateLimit
from streaming_api.identity.state import LOGINS_A_MINUTE
from streaming_api.web.session import COOKIE
from tests.streaming_api.api import Person
from tests.streaming_api.processes import Running


@pytest.mark.fault
def test_who_cannot_be_logged_out_now_is_told_and_stays_logged_in(stack: StackHandle, tmp_path: Path) -> None:
    with Running(stack, "api", ("serve",), tmp_path / "log") as process:
        person = Person(process.url)
        with httpx.Client(base_url=process.url, timeout=60) as browser:
            login = {"email": person.email, "password": person.password}
            assert browser.post("/session/login", json=login).status_code == 200
            kept = browser.cookies[COOKIE]
            with stack.held_down("postgres"):
                refused = browser.post("/session/logout", json={})
                assert (refused.status_code, refused.json()["code"]) == (503, "still_logged_in")
                assert "set-cookie" not in refused.headers
                assert browser.cookies[COOKIE] == kept
            assert browser.post("/session/logout", json={}).status_code == 200
            assert COOKIE not in browser.cookies
            renewed = httpx.post(f"{process.url}/v1/auth/refresh", json={"refresh_token": kept})
            assert (renewed.status_code, renewed.json()["code"]) == (401, "bad_refresh_token")


async def _login(url: str, address: str, **headers: str) -> int:
    """The status of a login from a loopback address of its own."""
    transport = httpx.AsyncHTTPTransport(local_address=address)
    async with httpx.AsyncClient(base_url=url, transport=transport, timeout=30, headers=headers) as http:
        body = {"email": "nobody@example.org", "password": "wrong wrong"}
        return (await http.post("/session/login", json=body)).status_code


async def test_with_pages_in_a_process_of_their_own_each_browser_has_its_own_limit(
    stack: StackHandle, resources: Resources, tmp_path: Path
) -> None:
    used_up, other = (str(ipaddress.ip_address(secrets.randbits(22) + (127 << 24 | 99 << 16))) for _ in "ab")
    limit = RateLimit(resources.cache, "login", LOGINS_A_MINUTE)
    for _ in range(LOGINS_A_MINUTE):
        await limit.take(used_up)
    edge = {"MCSP_TRUSTED_EDGE": "127.0.0.1"}
    with (
        Running(stack, "api", ("serve", "identity"), tmp_path / "identity", **edge) as identity,
        Running(stack, "api", ("serve", "web"), tmp_path / "web", MCSP_API_URL=identity.url) as web,
    ):
        assert await _login(web.url, used_up) == 429
        assert await _login(web.url, other) == 401
        assert await _login(web.url, used_up, **{"x-forwarded-for": other}) == 429
        assert await _login(web.url, other, **{"x-forwarded-for": used_up}) == 401
