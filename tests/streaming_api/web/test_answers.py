"""Promises of the web service by itself, without any server: headers, errors as pages, the session."""

from collections.abc import AsyncIterator

import pytest
from litestar import Litestar
from litestar.testing import AsyncTestClient

from mcsp.settings import S3Settings, Settings
from streaming_api.app import create_app
from streaming_api.web.session import COOKIE
from streaming_api.web.static_files import load

PAGE = {"Accept": "text/html,application/xhtml+xml"}
NOBODY = "http://127.0.0.1:9"
"""The discard port: nothing listens there."""


@pytest.fixture(scope="module")
async def web() -> AsyncIterator[AsyncTestClient[Litestar]]:
    options = Settings(
        api_url=NOBODY,
        media_url="https://pop.example",
        s3=S3Settings(public_endpoint="https://store.example/x"),
    )
    async with AsyncTestClient(create_app("web", options=options), base_url="http://pages.example") as client:
        yield client


async def test_a_page_may_load_from_us_the_pop_and_the_store_alone(web: AsyncTestClient[Litestar]) -> None:
    policy = (await web.get("/studio")).headers["content-security-policy"]
    rules = {name: sources for name, *sources in (rule.split() for rule in policy.split(";"))}
    assert rules["default-src"] == ["'none'"]
    assert rules["script-src"] == rules["style-src"] == ["'self'"]
    assert rules["connect-src"] == ["'self'", "https://pop.example", "https://store.example"]
    assert rules["media-src"] == ["'self'", "blob:", "https://pop.example"]
    assert rules["frame-ancestors"] == rules["base-uri"] == ["'none'"]


async def test_home_says_plainly_when_the_list_cannot_be_had(web: AsyncTestClient[Litestar]) -> None:
    answer = await web.get("/", headers=PAGE)
    assert answer.status_code == 503
    assert "The list cannot be shown right now" in answer.text


async def test_an_unknown_address_is_a_page_for_people_and_a_problem_for_programs(
    web: AsyncTestClient[Litestar],
) -> None:
    page = await web.get("/nowhere", headers=PAGE)
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "There is nothing here" in page.text
    program = await web.get("/nowhere", headers={"Accept": "application/json"})
    assert (program.status_code, program.headers["content-type"]) == (404, "application/problem+json")


async def test_an_id_that_is_none_is_the_same_404(web: AsyncTestClient[Litestar]) -> None:
    answer = await web.get("/watch/not-an-id", headers=PAGE)
    assert answer.status_code == 404
    assert "There is nothing here" in answer.text


@pytest.mark.parametrize("path", ["/%00", "/watch/%00", "/watch/x%00y?a=%00"])
async def test_a_link_with_a_nul_is_a_page_like_any_other_wrong_link(
    web: AsyncTestClient[Litestar], path: str
) -> None:
    page = await web.get(path, headers=PAGE)
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "There is nothing here" in page.text


async def test_files_of_this_build_are_kept_for_good_and_packed(web: AsyncTestClient[Litestar]) -> None:
    address = load().url("css/base.css")
    answer = await web.get(address, headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"].startswith("text/css")
    assert "immutable" in answer.headers["cache-control"]
    plain = await web.get(address, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == answer.text


async def test_files_of_another_build_are_not_kept(web: AsyncTestClient[Litestar]) -> None:
    answer = await web.get("/static/000000000000/css/base.css")
    assert answer.status_code == 200
    assert "immutable" not in answer.headers["cache-control"]


@pytest.mark.parametrize("path", ["../service.py", "%2e%2e/service.py", "js", "", "css/none.css"])
async def test_only_the_listed_files_are_served(web: AsyncTestClient[Litestar], path: str) -> None:
    assert (await web.get(f"/static/{load().digest}/{path}")).status_code == 404


@pytest.mark.parametrize("path", ["/session/login", "/session/refresh", "/session/logout"])
async def test_another_site_cannot_use_a_session(web: AsyncTestClient[Litestar], path: str) -> None:
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        answer = await web.post(path, json={}, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "other_site")


async def test_a_form_of_another_site_cannot_log_anyone_in(web: AsyncTestClient[Litestar]) -> None:
    answer = await web.post("/session/login", data={"email": "a@example.org", "password": "x"})
    assert (answer.status_code, answer.json()["code"]) == (400, "not_json")


async def test_without_a_cookie_there_is_no_session(web: AsyncTestClient[Litestar]) -> None:
    answer = await web.post("/session/refresh", json={}, headers={"Sec-Fetch-Site": "same-origin"})
    assert (answer.status_code, answer.json()["code"]) == (401, "no_session")
    assert COOKIE not in answer.cookies


async def test_without_an_answer_from_identity_nobody_is_logged_out(web: AsyncTestClient[Litestar]) -> None:
    answer = await web.post("/session/logout", json={}, headers={"Cookie": f"{COOKIE}=kept"})
    assert (answer.status_code, answer.json()["code"]) == (503, "still_logged_in")
    assert "set-cookie" not in answer.headers


async def test_logging_in_says_when_it_is_not_possible_now(web: AsyncTestClient[Litestar]) -> None:
    answer = await web.post("/session/login", json={"email": "a@example.org", "password": "x"})
    assert (answer.status_code, answer.json()["retryable"]) == (503, True)
