"""What the routes of the web service work with, and how they reach the other services."""

from dataclasses import dataclass
from typing import Any

import httpx
from litestar import Request

from mcsp.settings import Settings
from streaming_api.web.static_files import StaticFiles


@dataclass(frozen=True)
class Web:
    """The service's state. ``remote`` reaches services that run in other processes."""

    options: Settings
    static: StaticFiles
    remote: httpx.AsyncClient

    def client(self, request: Request[Any, Any, Any]) -> httpx.AsyncClient:
        """A client of the API: the same process where it runs there (limits see the browser's address),
        else over the network."""
        if "content" not in request.app.state:
            return self.remote
        address = request.scope.get("client") or ("127.0.0.1", 0)
        transport = httpx.ASGITransport(request.app, client=address)  # type: ignore[arg-type] -- Litestar's own ASGI types
        return httpx.AsyncClient(transport=transport, base_url="http://api", trust_env=False)

    def on_behalf(self, request: Request[Any, Any, Any]) -> dict[str, str]:
        """Headers that name the browser's address to services in other processes, which believe it where
        ``MCSP_TRUSTED_EDGE`` names ours: else everybody would share one limit. What the browser itself sent
        under that name is not passed on."""
        address = request.scope.get("client")
        return {"X-Forwarded-For": address[0]} if address else {}
