"""The one layer around every service: request id, caller, body guard, CORS, security headers, signals.

It is a single plain ASGI callable because generic middleware costs 20–130 µs apiece and hot routes answer
thousands of requests a second on a core. What does not belong here: rate limits (``rate_limit``).
"""

import re
import time
from dataclasses import dataclass, field
from typing import Any

import structlog
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from opentelemetry import context, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from mcsp.errors import InvalidInputError, MCSPError
from mcsp.ids import uuid7
from mcsp.telemetry.metrics import count_request
from mcsp.telemetry.traces import incoming
from streaming_api.frame.bodies import ClientGoneError, read_body, replay
from streaming_api.frame.callers import TokenVerifier
from streaming_api.frame.head import head_only
from streaming_api.frame.headers import API_HEADERS, CORS_HEADERS, PREFLIGHT_HEADERS, SECURITY_HEADERS
from streaming_api.frame.problems import send_problem

log = structlog.get_logger()
tracer = trace.get_tracer("mcsp.http")

OPERATIONS = frozenset({"/healthz", "/readyz", "/metrics"})
_GOOD_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_WITH_BODY = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass
class _Exchange:
    """One request on its way: what is learned for headers, log, metrics and trace."""

    scope: HTTPScope
    headers: dict[bytes, bytes]
    request_id: str
    started: float = field(default_factory=time.perf_counter)
    status: int = 499  # what stands when the client hung up before an answer


class Guard:
    """Wraps Litestar's own ASGI application of one or more services."""

    def __init__(self, app: ASGIApp, process: str, verifier: TokenVerifier) -> None:
        self._app, self._process, self._verifier = app, process, verifier
        self.owners: dict[str, str] = {}  # route template → service, filled once the routes are known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        exchange = _Exchange(scope, headers, _request_id(headers))
        scope["state"]["request_id"] = exchange.request_id
        parent = incoming({"traceparent": headers[b"traceparent"].decode("latin-1")}) if (
            b"traceparent" in headers) else None  # fmt: skip
        span = tracer.start_span(scope["method"], context=parent, kind=SpanKind.SERVER)
        token = context.attach(trace.set_span_in_context(span, parent))
        outer = structlog.contextvars.bind_contextvars(request_id=exchange.request_id)
        try:
            await self._answer(exchange, receive, _decorated(exchange, send))
        except ClientGoneError:
            log.info("client hung up", path=scope["path"])
        finally:
            self._signal(exchange, span)
            structlog.contextvars.reset_contextvars(**outer)
            context.detach(token)

    async def _answer(self, exchange: _Exchange, receive: Receive, send: Send) -> None:
        scope, headers = exchange.scope, exchange.headers
        if scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
            await send({"type": "http.response.start", "status": 204, "headers": list(PREFLIGHT_HEADERS)})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        try:
            if scope["path"].startswith("/v1/") and (
                "\0" in scope["path"] or b"%00" in scope["query_string"]
            ):
                # Only the API takes text from an address; elsewhere this is a wrong link like any other.
                raise InvalidInputError(
                    "nul_character", "Text must not hold the character NUL (U+0000).", action="Take it out."
                )
            if b"authorization" in headers and scope["path"] not in OPERATIONS:
                value = headers[b"authorization"].decode("latin-1")
                scope["state"]["person"] = await self._verifier.person(value)
            if scope["method"] in _WITH_BODY:
                coding = headers.get(b"content-encoding", b"").decode("latin-1")
                receive = replay(await read_body(receive, _declared(headers), coding), receive)
        except MCSPError as error:
            await send_problem(send, error, exchange.request_id)
            return
        if scope["method"] == "HEAD":
            await self._head(scope, send)
            return
        await self._app(scope, receive, send)

    async def _head(self, scope: HTTPScope, send: Send) -> None:
        """The route of GET answers, of whose answer only the head goes out (RFC 9110, 9.3.2)."""
        as_get: Any = {**scope, "method": "GET"}
        await self._app(as_get, *head_only(send))
        if "path_template" in as_get:
            scope["path_template"] = as_get["path_template"]

    def _signal(self, exchange: _Exchange, span: Span) -> None:
        scope, status = exchange.scope, exchange.status
        seconds = time.perf_counter() - exchange.started
        route = scope.get("path_template") or "(none)"
        service = self.owners.get(route, self._process)
        count_request(service, scope["method"], route, status, seconds)
        if span.is_recording():
            _describe(span, exchange, route, service)
        span.end()
        if scope["path"] not in OPERATIONS:
            person = scope["state"].get("person")
            log.info(
                "request", service=service, method=scope["method"], route=route, path=scope["path"],
                status=status, duration_ms=round(seconds * 1000, 2),
                user_id=str(person.user_id) if person else None,
            )  # fmt: skip


def _describe(span: Span, exchange: _Exchange, route: str, service: str) -> None:
    span.update_name(f"{exchange.scope['method']} {route}")
    span.set_attributes(
        {
            "http.request.method": exchange.scope["method"],
            "http.route": route,
            "url.path": exchange.scope["path"],
            "http.response.status_code": exchange.status,
            "mcsp.service": service,
            "mcsp.request_id": exchange.request_id,
        }
    )
    if exchange.status >= 500:
        span.set_status(Status(StatusCode.ERROR))


def _request_id(headers: dict[bytes, bytes]) -> str:
    given = headers.get(b"x-request-id", b"").decode("latin-1")
    return given if _GOOD_ID.fullmatch(given) else uuid7().hex


def _declared(headers: dict[bytes, bytes]) -> int | None:
    raw = headers.get(b"content-length", b"")
    return int(raw) if raw.isdigit() else None


def _decorated(exchange: _Exchange, send: Send) -> Send:
    """Add our headers to the answer and note its status. A header the route set itself stays."""
    extra = API_HEADERS if exchange.scope["path"].startswith("/v1/") else SECURITY_HEADERS
    if b"origin" in exchange.headers:
        extra = (*extra, *CORS_HEADERS)

    async def send_decorated(message: Message) -> None:
        if message["type"] == "http.response.start":
            exchange.status = message["status"]
            headers: Any = list(message["headers"])
            present = {name.lower() for name, _ in headers}
            headers += [pair for pair in extra if pair[0] not in present]
            headers.append((b"x-request-id", exchange.request_id.encode()))
            message["headers"] = headers
        await send(message)

    return send_decorated
