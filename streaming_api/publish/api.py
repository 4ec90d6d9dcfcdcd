"""Calling the HTTP API: bearer token, renewed login, bounded retries, problems as errors."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx
import msgspec

from mcsp.errors import MCSPError, UnavailableError
from streaming_api.frame.problems import Problem

T = TypeVar("T")

ATTEMPTS = 5
TIMEOUT_S = 30.0


class RefusedError(MCSPError):
    """The API answered with a problem; ``status_seen`` is its HTTP status."""

    def __init__(self, problem: Problem) -> None:
        fields = "; ".join(f"{e.field}: {e.message}" for e in problem.errors)
        super().__init__(problem.code, f"{problem.detail} {fields}".strip(), action=problem.action)
        self.status_seen = problem.status


class Api:
    """The API at ``address``. ``log_in`` gives a fresh access token; it is asked when one is needed."""

    def __init__(self, http: httpx.AsyncClient, address: str) -> None:
        self.http, self.address = http, address
        self.log_in: Callable[[], Awaitable[str]] | None = None
        self._token: str | None = None

    async def call(
        self, method: str, path: str, shape: type[T], body: Any = None, *, key: str | None = None
    ) -> T:
        """Call the API and decode its answer. A write is repeated only with a ``key``.

        Raises RefusedError, and UnavailableError when it cannot be reached.
        """
        answer = await self._authorised(method, path, body, key)
        if answer.status_code == 401 and self.log_in is not None:
            self._token = None
            answer = await self._authorised(method, path, body, key)
        if answer.is_error:
            raise RefusedError(_problem(answer))
        return msgspec.json.decode(answer.content, type=shape)

    async def _authorised(self, method: str, path: str, body: Any, key: str | None) -> httpx.Response:
        headers = {"idempotency-key": key} if key else {}
        if self.log_in is not None:
            self._token = self._token or await self.log_in()
            headers["authorization"] = f"Bearer {self._token}"
        return await self._patiently(method, path, headers, body, repeat=method == "GET" or key is not None)

    async def _patiently(
        self, method: str, path: str, headers: dict[str, str], body: Any, *, repeat: bool
    ) -> httpx.Response:
        content = None if body is None else msgspec.json.encode(body)
        for attempt in range(1, ATTEMPTS + 1):
            last = not repeat or attempt == ATTEMPTS
            try:
                answer = await self.http.request(
                    method, f"{self.address}{path}", headers=headers, content=content, timeout=TIMEOUT_S
                )
            except httpx.TransportError as error:
                if last:
                    raise UnavailableError(
                        "api_down", f"The API at {self.address} does not answer ({type(error).__name__}).",
                        action="Start it with `mcsp up --wait`, or set MCSP_API_URL or MCSP_PORT_BASE.",
                    ) from error  # fmt: skip
            else:
                if last or answer.status_code not in (429, 502, 503, 504):
                    return answer
                retry_after = answer.headers.get("retry-after", "")
                await asyncio.sleep(float(retry_after) if retry_after.isdigit() else 0)
            await asyncio.sleep(0.2 * 2**attempt)
        raise AssertionError("the last attempt returns or raises")


def _problem(answer: httpx.Response) -> Problem:
    try:
        return msgspec.json.decode(answer.content, type=Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        code, detail = "unexpected_answer", f"HTTP {answer.status_code} from {answer.url.path}"
        return Problem("about:blank", answer.reason_phrase, answer.status_code, code, detail, False)
