"""Where a process gets the public keys that check access tokens: beside identity from it, else by HTTP."""

from collections.abc import Sequence
from typing import Any

import httpx
from litestar.datastructures import State

from mcsp.errors import UnavailableError
from mcsp.settings import Settings
from streaming_api.frame.callers import FetchKeys
from streaming_api.frame.service import Service

JWKS_PATH = "/v1/auth/jwks.json"
TIMEOUT_S = 2.0


def key_fetcher(services: Sequence[Service], options: Settings, state: State) -> FetchKeys:
    """A function that gives the JWK set (RFC 7517). Identity in the same process is asked directly.

    Fallback when identity does not answer: keys fetched before stay good; without any, UnavailableError. The
    verifier asks once a second at the most, whoever waits for keys: it needs no breaker besides.
    """
    if any(service.name == "identity" for service in services):

        async def local() -> dict[str, Any]:
            return state["identity"].public_keys()

        return local
    address = options.identity_jwks_url or f"{options.api_url}{JWKS_PATH}"

    async def remote() -> dict[str, Any]:
        try:
            async with httpx.AsyncClient(timeout=TIMEOUT_S) as client:
                answer = await client.get(address)
                answer.raise_for_status()
                return answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise UnavailableError(
                "identity_down",
                "The login service does not answer right now.",
                action="Try again in a moment.",
            ) from error

    return remote
