"""Probes over HTTP. What does not belong here: who is asked for what (``deploy.services``)."""

import ssl
from collections.abc import Mapping
from functools import cache, partial
from typing import Any

import httpx

from deploy.ports import HOST
from deploy.supervisor.service import NotReadyError, Probe


def answers(port: int, path: str) -> Probe:
    """Healthy when ``GET path`` on a loopback port is answered with 200."""
    return partial(_get, f"http://{HOST}:{port}{path}")


async def _get(address: str) -> None:
    await ask("GET", address)


@cache
def no_tls() -> ssl.SSLContext:
    """Trusts nobody: probes speak plain HTTP on loopback, and a certificate store takes 40 ms to read."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


async def ask(method: str, address: str, json: Mapping[str, Any] | None = None) -> httpx.Response:
    """One request; raises NotReadyError unless it is answered with 200."""
    try:
        async with httpx.AsyncClient(timeout=5, trust_env=False, verify=no_tls()) as client:
            answer = await client.request(method, address, json=json)
    except httpx.ConnectError as error:
        raise NotReadyError.of(error) from error
    except httpx.HTTPError as error:
        raise NotReadyError(f"{address}: {error or type(error).__name__}") from error
    if answer.status_code != httpx.codes.OK:
        raise NotReadyError(f"{address}: {answer.status_code} {answer.text[:300]}")
    return answer
