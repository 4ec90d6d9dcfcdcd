"""Errors as pages, for those who asked for a page; everyone else gets the frame's problem+json."""

from collections.abc import Callable
from typing import Any

from litestar import Request
from litestar.config.app import AppConfig
from litestar.exceptions import HTTPException
from litestar.response import Template

from mcsp.errors import MCSPError
from streaming_api.web.security import page_headers
from streaming_api.web.state import Web

Handler = Callable[[Request[Any, Any, Any], Any], Any]

NOT_FOUND = (
    "There is nothing here",
    "This page does not exist, or it is not shared with you. If it is yours, log in to the studio first.",
)
UNAVAILABLE = (
    "This does not work right now",
    "A server that this page needs does not answer. It is usually back within a minute.",
)


def with_error_pages(config: AppConfig) -> AppConfig:
    """Puts a page before each of the application's error handlers."""
    for kind in (MCSPError, HTTPException, Exception):
        config.exception_handlers[kind] = _page_before(config.exception_handlers[kind])
    return config


def error_page(web: Web, words: tuple[str, str], status: int, *, reveal: bool = False) -> Template:
    """An error page; with ``reveal`` its script asks once more as the person who is logged in."""
    context = {"heading": words[0], "message": words[1], "reveal": reveal}
    headers = page_headers(web.options) | {"Cache-Control": "no-store"}
    return Template("error.html", context=context, status_code=status, headers=headers)


def _page_before(handler: Handler) -> Handler:
    def handle(request: Request[Any, Any, Any], error: Exception) -> Any:
        answer = handler(request, error)  # logs what has to be logged
        if not _wants_page(request):
            return answer
        status = answer.status_code
        return error_page(request.app.state["web"], _words(request, status), status)

    return handle


def _wants_page(request: Request[Any, Any, Any]) -> bool:
    path = request.scope["path"]
    return (
        request.method == "GET"
        and "text/html" in request.headers.get("accept", "")
        and not path.startswith(("/v1/", "/static/", "/schema"))
    )


def _words(request: Request[Any, Any, Any], status: int) -> tuple[str, str]:
    if status == 404:
        return NOT_FOUND
    if status == 503:
        return UNAVAILABLE
    if status < 500:
        return "This link does not work", "It is not one of ours, or a part of it is missing."
    reference = request.scope["state"].get("request_id", "")
    return (
        "Something broke on our side",
        f"It has been written down under {reference}. Try again, and tell us that number if it stays.",
    )
