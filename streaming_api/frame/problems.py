"""Every error as ``application/problem+json`` (RFC 9457), with a code, what happened and what to do."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import asyncpg
import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from litestar.types import ExceptionHandlersMap, Send

from mcsp.errors import InvalidInputError, MCSPError, RateLimitedError, UnauthorizedError, UnavailableError
from streaming_api.frame.wording import in_words

log = structlog.get_logger()

PROBLEM_JSON = "application/problem+json"
_STATUS_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "wrong_content_type"}
_NEXT = {
    404: "Check the address; /schema lists what there is.",
    405: "Use one of the methods that the header Allow names.",
    413: "Send less.",
    415: "Send application/json.",
}
_RETRY_AFTER_S = 1


class FieldProblem(msgspec.Struct, frozen=True):
    """What is wrong with one field of the request."""

    field: str
    message: str


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """RFC 9457 with our members: ``code`` is stable, ``action`` says what to do, ``retryable`` if again."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    retryable: bool
    action: str = ""
    request_id: str = ""
    errors: list[FieldProblem] = []
    details: dict[str, Any] = {}


def problem_of(error: MCSPError, request_id: str = "") -> Problem:
    """The problem document of one of our errors."""
    return Problem(
        type=f"urn:mcsp:problem:{error.code}",
        title=error.title,
        status=error.status,
        code=error.code,
        detail=error.message,
        retryable=error.retryable,
        action=error.action,
        request_id=request_id,
        details=error.told,
    )


def headers_of(error: MCSPError) -> dict[str, str]:
    """The headers that belong to an error: WWW-Authenticate, Retry-After."""
    if isinstance(error, UnauthorizedError):
        challenge = "Bearer" if error.code == "not_logged_in" else 'Bearer error="invalid_token"'
        return {"www-authenticate": challenge}
    if isinstance(error, RateLimitedError):
        return {"retry-after": str(error.details.get("retry_after_s", _RETRY_AFTER_S))}
    if isinstance(error, UnavailableError):
        return {"retry-after": str(_RETRY_AFTER_S)}
    return {}


async def send_problem(send: Send, error: MCSPError, request_id: str) -> None:
    """Answer with an error outside of Litestar (the request never reached a route)."""
    body = msgspec.json.encode(problem_of(error, request_id))
    headers = {"content-type": PROBLEM_JSON, "content-length": str(len(body)), **headers_of(error)}
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": error.status, "headers": pairs})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _respond(problem: Problem, headers: Mapping[str, str]) -> Response[Problem]:
    return Response(problem, status_code=problem.status, media_type=PROBLEM_JSON, headers=dict(headers))


def _request_id(request: Request[Any, Any, Any]) -> str:
    return str(request.scope["state"].get("request_id", ""))


def _ours(request: Request[Any, Any, Any], error: MCSPError) -> Response[Problem]:
    return _respond(problem_of(error, _request_id(request)), headers_of(error))


def _https(request: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    """Litestar's own: nothing there, wrong method, a body that does not fit."""
    status = error.status_code
    if status >= 500:
        return _unexpected(request, error)
    fields = _fields(request, error)
    problem = Problem(
        type="about:blank",
        title=_phrase(status),
        status=status,
        code="invalid_request" if status == 400 else _STATUS_CODES.get(status, "refused"),
        detail=" ".join(field.message for field in fields) or error.detail.split(" for ")[0],
        retryable=False,
        action=_NEXT.get(status, "Change that and send it again."),
        request_id=_request_id(request),
        errors=fields,
    )
    return _respond(problem, error.headers or {})


def _fields(request: Request[Any, Any, Any], error: HTTPException) -> list[FieldProblem]:
    if not isinstance(error, ValidationException) or not isinstance(error.extra, list):
        return []
    found = [(str(e.get("key") or ""), str(e.get("message", ""))) for e in error.extra]
    return [FieldProblem(*in_words(_sent_as(request, key), message)) for key, message in found]


def _sent_as(request: Request[Any, Any, Any], key: str) -> str:
    """The name a client sends where the handler's parameter has another (``from`` is no name in Python)."""
    parameter = request.route_handler.parsed_fn_signature.parameters.get(key)
    return getattr(parameter and parameter.kwarg_definition, "name", None) or key


def _unexpected(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """A fault of ours: logged whole, told without details."""
    log.error("request failed", exc_info=error, path=request.url.path)
    problem = Problem(
        type="about:blank",
        title="Something went wrong",
        status=500,
        code="internal",
        detail="The server made a mistake; it has been written down under this request id.",
        retryable=True,
        action="Try again; if it stays, tell us the request id.",
        request_id=_request_id(request),
    )
    return _respond(problem, {})


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase


def _too_deep(request: Request[Any, Any, Any], error: RecursionError) -> Response[Problem]:
    """JSON nested beyond what the decoder follows; logged, because a loop of ours would look the same."""
    log.warning("nested too deeply", exc_info=error, path=request.url.path)
    return _ours(
        request,
        InvalidInputError("nested_too_deeply", "The body is nested too deeply.", action="Send fewer levels."),
    )


def _late(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """A database that is away, has no free connection, or holds a row for another: repeating helps."""
    log.warning("no answer in time", exc_info=error, path=request.url.path)
    busy = UnavailableError(
        "busy", "The server could not do this in time.", action="Try again in a moment."
    )  # fmt: skip
    return _ours(request, busy)


def _interface(request: Request[Any, Any, Any], error: asyncpg.InterfaceError) -> Response[Problem]:
    """asyncpg's word for two things: a connection that broke inside a transaction, and a mistake of ours."""
    return (_late if "connection is closed" in str(error) else _unexpected)(request, error)


HANDLERS: ExceptionHandlersMap = {
    MCSPError: _ours,
    HTTPException: _https,
    RecursionError: _too_deep,
    TimeoutError: _late,
    ConnectionError: _late,
    asyncpg.PostgresConnectionError: _late,
    asyncpg.OperatorInterventionError: _late,
    asyncpg.InterfaceError: _interface,
    asyncpg.TooManyConnectionsError: _late,
    asyncpg.LockNotAvailableError: _late,
    Exception: _unexpected,
}
