"""Probes over HTTP."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import httpx

from deploy.ports import HOST
from deploy.supervisor.service import NotReadyError, Probe


def answers(port: int, path: str) -> Probe:
    """Healthy when ``GET path`` on a loopback port is answered with 200."""
    return partial(_get, f"http://{HOST}:{port}{path}")


async def _get(address: str) -> None:
    await ask("GET", address)


async def ask(method: str, address: str, json: Mapping[str, Any] | None = None) -> httpx.Response:
    """One request; raises NotReadyError unless it is answered with 200."""
    try:
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            answer = await client.request(method, address, json=json)
    except httpx.HTTPError as error:
        raise NotReadyError(f"{address}: {error or type(error).__name__}") from error
    if answer.status_code != httpx.codes.OK:
        raise NotReadyError(f"{address}: {answer.status_code} {answer.text[:300]}")
    return answer
