"""``mcsp serve`` and ``mcsp publish``: the commands of this room."""

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import NoReturn

import click
import msgspec
import uvicorn

from mcsp import telemetry
from mcsp.errors import MCSPError
from mcsp.settings import settings
from mcsp.telemetry.traces import flush
from streaming_api.app import create_app
from streaming_api.publish.command import publish as publish_file
from streaming_api.publish.transfer import LocalFile

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
        # By default uvicorn believes whoever calls from this machine: a header would void every rate limit.
        proxy_headers=bool(options.trusted_edge),
        forwarded_allow_ips=options.trusted_edge,
        timeout_graceful_shutdown=GRACE_S,
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    try:
        uvicorn.Server(config).run()
    finally:
        flush()


def _end(number: int, _: FrameType | None) -> NoReturn:
    """What uvicorn calls once it has stopped by a signal: an ordinary end, so that spans are still sent."""
    raise SystemExit(0)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--title", default=None, help="Title (default: the file's name).")
@click.option("--visibility", type=click.Choice(["public", "unlisted", "private"]), default="public")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object: media_id, watch_url, playback.")
def publish(file: Path, title: str | None, visibility: str, as_json: bool) -> None:
    """Publish a file and wait until it plays in every quality; exit code 1 when it does not."""
    try:
        done = asyncio.run(publish_file(LocalFile.of(file, title, visibility), settings()))
    except BaseExceptionGroup as group:
        errors = group.subgroup(MCSPError)
        if errors is None:
            raise
        raise _failed(next(_leaves(errors))) from group
    except MCSPError as error:
        raise _failed(error) from error
    if as_json:
        click.echo(msgspec.json.encode(done))
    elif done.failure:
        click.echo(f"{done.failure.message} {done.failure.action}", err=True)
    else:
        click.echo(done.watch_url)
    if not done.plays:
        raise SystemExit(1)


def _failed(error: BaseException) -> click.ClickException:
    if not isinstance(error, MCSPError):
        raise error
    return click.ClickException(f"{error.message} {error.action}".strip())


def _leaves(group: BaseExceptionGroup) -> Iterator[BaseException]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
