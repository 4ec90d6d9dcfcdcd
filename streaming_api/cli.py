"""``mcsp serve`` and ``mcsp publish``: the commands of this room."""

import click
import uvicorn

from mcsp import telemetry
from mcsp.settings import settings
from mcsp.telemetry.traces import flush
from streaming_api.app import create_app

GRACE_S = 5


@click.command()
@click.argument("services", nargs=-1)
@click.option("--host", default=None, help="Address to listen on (default: MCSP_SERVICE_HOST).")
@click.option("--port", type=int, default=None, help="Port (default: MCSP_SERVICE_PORT, else base + 1).")
def serve(services: tuple[str, ...], host: str | None, port: int | None) -> None:
    """Serve the HTTP API: all services in one process, or only those named."""
    options = settings()
    telemetry.configure(services[0] if len(services) == 1 else "api", options)
    config = uvicorn.Config(
        create_app(*services),
        host=host or options.service_host,
        port=port or options.service_port or options.port_base + 1,
        loop="uvloop",
        http="httptools",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    try:
        uvicorn.Server(config).run()
    finally:
        flush()
