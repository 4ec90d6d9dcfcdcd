"""The small HTTP listener of processes that serve no people: /healthz, /readyz and /metrics."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from aiohttp import web

from mcsp.health import Health
from mcsp.telemetry import metrics
from mcsp.telemetry.metrics import observed


def _app(service: str, health: Health) -> web.Application:
    async def healthz(_: web.Request) -> web.Response:
        return web.json_response({"status": "alive", "service": service})

    async def readyz(_: web.Request) -> web.Response:
        with observed(service, "readyz"):
            state = await health.readiness()
        return web.Response(
            body=msgspec.json.encode(state),
            status=200 if state.ready else 503,
            content_type="application/json",
        )

    async def show_metrics(_: web.Request) -> web.Response:
        body, content_type = metrics.render()
        return web.Response(body=body, headers={"Content-Type": content_type})

    app = web.Application()
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", show_metrics)
    return app


@asynccontextmanager
async def serve_listener(
    service: str, health: Health, port: int, host: str = "127.0.0.1"
) -> AsyncIterator[None]:
    """Serve on ``host``:``port`` while the block runs; raises OSError when the port is taken."""
    runner = web.AppRunner(_app(service, health), access_log=None, handle_signals=False)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, shutdown_timeout=1).start()
        yield
    finally:
        await runner.cleanup()
