"""The routes that operators and their machines ask: /healthz, /readyz and /metrics."""

from typing import Any

from litestar import Request, Response, get
from litestar.datastructures import State

from mcsp.health import Health, Readiness
from mcsp.telemetry import metrics


@get("/healthz", tags=["operations"], summary="The process is alive")
async def healthz() -> dict[str, str]:
    """Alive: the process answers. Says nothing of its dependencies."""
    return {"status": "alive"}


@get("/readyz", tags=["operations"], summary="Each dependency by name")
async def readyz(state: State) -> Response[Readiness]:
    """Ready (200) while every required dependency answers, else 503 with the same body."""
    health: Health = state["health"]
    readiness = await health.readiness()
    return Response(readiness, status_code=200 if readiness.ready else 503)


@get("/metrics", tags=["operations"], summary="Prometheus metrics", include_in_schema=False)
async def show_metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
    """All metrics of this process in Prometheus' text form."""
    body, content_type = metrics.render()
    return Response(body, media_type=content_type)


ROUTES = [healthz, readyz, show_metrics]
