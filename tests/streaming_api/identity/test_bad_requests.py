"""Every field of every request: missing, of wrong type, too long, with NUL or unpaired surrogates."""

import json
from typing import Any

import httpx
import pytest

from tests.streaming_api.identity.conftest import PASSWORD, new_email

REQUESTS: dict[str, dict[str, str]] = {
    "/v1/auth/register": {"email": "ann@example.org", "password": PASSWORD, "display_name": "Ann"},
    "/v1/auth/login": {"email": "ann@example.org", "password": PASSWORD},
    "/v1/auth/refresh": {"refresh_token": "rt_x"},
    "/v1/auth/logout": {"refresh_token": "rt_x"},
}
FIELDS = [(route, field) for route, body in REQUESTS.items() for field in body]
WRONG: list[Any] = [1, 1.5, True, [], {}, ["ann@example.org"], {"$ne": ""}, "", "x" * 5000]


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["status"] == status
    assert body["request_id"] == answer.headers["x-request-id"]
    return body


@pytest.mark.parametrize(("route", "field"), FIELDS)
async def test_a_field_that_does_not_fit_is_named(client: httpx.AsyncClient, route: str, field: str) -> None:
    for value in WRONG:
        answer = await client.post(route, json={**REQUESTS[route], field: value})
        assert problem(answer, 400)["errors"][0]["field"] == field, value


@pytest.mark.parametrize(("route", "field"), [pair for pair in FIELDS if pair[0] != "/v1/auth/logout"])
async def test_a_missing_field_or_null_is_named(client: httpx.AsyncClient, route: str, field: str) -> None:
    body: dict[str, Any] = {**REQUESTS[route]}
    body[field] = None
    assert problem(await client.post(route, json=body), 400)["errors"][0]["field"] == field
    del body[field]
    assert field in json.dumps(problem(await client.post(route, json=body), 400))


@pytest.mark.parametrize(("route", "field"), FIELDS)
@pytest.mark.parametrize("text", [r"\u0000", r"a\u0000b", r"\ud800", r"\udfff", r"a\ud800\u0041"])
async def test_nul_and_unpaired_surrogates_are_refused(
    client: httpx.AsyncClient, route: str, field: str, text: str
) -> None:
    others = {name: value for name, value in REQUESTS[route].items() if name != field}
    raw = json.dumps(others)[:-1] + ("," if others else "") + f'"{field}":"{text}"}}'
    problem(await client.post(route, content=raw), 400)


async def test_an_escaped_backslash_before_u0000_is_no_nul(client: httpx.AsyncClient) -> None:
    raw = json.dumps({"email": new_email(), "password": PASSWORD})[:-1] + r',"display_name":"a\\u0000"}'
    assert (await client.post("/v1/auth/register", content=raw)).status_code == 201


@pytest.mark.parametrize(
    "raw",
    [b"", b"{", b"[]", b"null", b'"x"', b"{'a': 1}", b"\xff\xfe", b'{"email": "\xed\xa0\x80"}', b"[" * 5000,
     b'{"email":1e999}', b"\x00"],
)  # fmt: skip
@pytest.mark.parametrize("route", ["/v1/auth/register", "/v1/auth/login", "/v1/auth/refresh"])
async def test_a_body_that_is_no_such_object_is_400(
    client: httpx.AsyncClient, route: str, raw: bytes
) -> None:
    problem(await client.post(route, content=raw), 400)


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_over_a_mebibyte_is_413(client: httpx.AsyncClient, declared: bool) -> None:
    async def chunks():
        for _ in range(40):
            yield b" " * 65536

    content = b" " * (1 << 21) if declared else chunks()
    assert problem(await client.post("/v1/auth/login", content=content), 413)["code"] == "body_too_large"


async def test_nul_in_path_and_query_is_400(client: httpx.AsyncClient) -> None:
    for path in ("/v1/%00", "/v1/me?x=%00"):
        assert problem(await client.get(path), 400)["code"] == "nul_character"


async def test_nothing_there_is_404_and_a_wrong_method_405(client: httpx.AsyncClient) -> None:
    assert problem(await client.get("/v1/nothing"), 404)["code"] == "not_found"
    answer = await client.put("/v1/me")
    assert problem(answer, 405)["code"] == "method_not_allowed"
    assert "GET" in answer.headers["allow"]
