"""Promises of the browser's session with the real services behind it."""

from pathlib import Path

import httpx
import pytest

from deploy.handle import StackHandle
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
