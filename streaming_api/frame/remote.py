"""How one service reaches another over HTTP: a client with a deadline and a circuit breaker.

Who asks states the fallback: any ``httpx.HTTPError`` means that there is no answer, also at once because
there was none a moment ago. What does not belong here: what is asked.
"""

import httpx
from prometheus_client import Counter

from mcsp.breaker import Breaker

OPEN_S = 2.0
FAILURES = 3
_NOBODY_BEHIND = (502, 504)

REFUSED = Counter("mcsp_client_refused_total", "Calls not made while a circuit was open", ["target"])


class CircuitOpenError(httpx.TransportError):
    """Not asked: the service did not answer the last calls."""


class BreakingTransport(httpx.AsyncBaseTransport):
    """Asks through ``inner`` while the circuit of ``target`` lets it.

    No connection, no answer in time, and a gateway with nobody behind it (502, 504) count as failures. Any
    other answer, 503 too, is one: the service lives and says what it lacks.
    """

    def __init__(self, target: str, inner: httpx.AsyncBaseTransport, breaker: Breaker) -> None:
        self._target, self._inner, self._breaker = target, inner, breaker
        REFUSED.labels(target)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises CircuitOpenError, and what ``inner`` raises."""
        if not self._breaker.lets_through():
            REFUSED.labels(self._target).inc()
            raise CircuitOpenError(f"{self._target} did not answer a moment ago", request=request)
        try:
            answer = await self._inner.handle_async_request(request)
        except httpx.TransportError:
            self._breaker.failed()
            raise
        if answer.status_code in _NOBODY_BEHIND:
            self._breaker.failed()
        else:
            self._breaker.answered()
        return answer

    async def aclose(self) -> None:
        await self._inner.aclose()


def service_client(target: str, *, base_url: str = "", timeout_s: float) -> httpx.AsyncClient:
    """A client of the service ``target``; every call has ``timeout_s`` seconds for each of its steps."""
    transport = BreakingTransport(target, httpx.AsyncHTTPTransport(), Breaker(OPEN_S, failures=FAILURES))
    return httpx.AsyncClient(base_url=base_url, timeout=timeout_s, transport=transport, trust_env=False)
