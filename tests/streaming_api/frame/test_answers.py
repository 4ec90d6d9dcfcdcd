"""Promises of the guard around every service: ids, traces, headers, CORS."""

import json
import re

import httpx

from mcsp.ids import uuid7
from tests.streaming_api.api import ApiProcess, await_true

FEED = "/v1/feed"


def log_line(api: ApiProcess, request_id: str) -> dict[str, str]:
    """The access log's line of one request, as soon as it is written."""
    found: list[dict[str, str]] = []

    def written() -> bool:
        lines = (json.loads(line) for line in api.log.read_text().splitlines() if request_id in line)
        found[:] = [line for line in lines if line["event"] == "request"]
        return bool(found)

    await_true(written, "the request is logged")
    return found[0]


def test_a_request_keeps_the_id_and_trace_it_came_with(api: ApiProcess) -> None:
    request_id, trace_id = uuid7().hex, uuid7().hex
    headers = {"x-request-id": request_id, "traceparent": f"00-{trace_id}-{'a' * 16}-01"}
    answer = httpx.get(f"{api.url}{FEED}", headers=headers)
    assert answer.headers["x-request-id"] == request_id
    line = log_line(api, request_id)
    assert (line["trace_id"], line["route"], line["service"]) == (trace_id, FEED, "content")


def test_a_request_without_an_id_or_with_a_strange_one_gets_its_own(api: ApiProcess) -> None:
    for headers in ({}, {"x-request-id": "a b"}, {"x-request-id": "x" * 500}):
        given = httpx.get(f"{api.url}{FEED}", headers=headers).headers["x-request-id"]
        assert re.fullmatch(r"[0-9a-f]{32}", given)


def test_a_broken_trace_header_is_no_reason_to_refuse(api: ApiProcess) -> None:
    for value in ("x", "00-0-0-0", "ff" * 100):
        assert httpx.get(f"{api.url}{FEED}", headers={"traceparent": value}).status_code == 200


def test_the_query_is_not_written_into_the_log(api: ApiProcess) -> None:
    request_id, secret = uuid7().hex, uuid7().hex
    httpx.get(f"{api.url}{FEED}?token={secret}", headers={"x-request-id": request_id})
    log_line(api, request_id)
    assert secret not in api.log.read_text()


def test_every_answer_forbids_sniffing_and_framing(api: ApiProcess) -> None:
    for path in (FEED, "/v1/nothing", "/healthz"):
        headers = httpx.get(f"{api.url}{path}").headers
        assert headers["x-content-type-options"] == "nosniff", path
        assert "frame-ancestors 'none'" in headers["content-security-policy"], path


def test_a_page_of_another_site_may_call_the_api_without_cookies(api: ApiProcess) -> None:
    origin = {"origin": "https://elsewhere.example"}
    preflight = httpx.options(
        f"{api.url}/v1/uploads",
        headers={**origin, "access-control-request-method": "POST",
                 "access-control-request-headers": "authorization,content-type,idempotency-key"},
    )  # fmt: skip
    assert preflight.status_code == 204
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert {"authorization", "content-type", "idempotency-key"} <= set(
        preflight.headers["access-control-allow-headers"].split(", ")
    )
    answer = httpx.get(f"{api.url}{FEED}", headers=origin)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


def test_the_schema_is_openapi_3_1_and_names_every_public_route(api: ApiProcess) -> None:
    schema = httpx.get(f"{api.url}/schema").json()
    assert schema["openapi"].startswith("3.1")
    account = {f"/v1/auth/{action}" for action in ("register", "login", "refresh", "logout")}
    media = {"/v1/me", "/v1/uploads", "/v1/media/{media_id}", "/v1/playback/{media_id}"}
    contract = {*account, *media, "/healthz", "/readyz"}
    assert contract <= schema["paths"].keys()
