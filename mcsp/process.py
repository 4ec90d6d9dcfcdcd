"""Running a long-lived asynchronous process: telemetry, signals, a graceful end."""

import asyncio
import signal
from collections.abc import Awaitable, Callable

import structlog
import uvloop

from mcsp import telemetry
from mcsp.settings import settings
from mcsp.telemetry.traces import flush

log = structlog.get_logger()

Main = Callable[[asyncio.Event], Awaitable[None]]


def run(service: str, main: Main) -> None:
    """Run ``main(stop)`` until it ends; SIGTERM and SIGINT set ``stop``, upon which it has to return.

    An exception of ``main`` is logged and ends the process with status 1, for the supervisor to see.
    """
    telemetry.configure(service, settings())
    try:
        uvloop.run(_with_signals(service, main))
    finally:
        flush()


async def _with_signals(service: str, main: Main) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    log.info("started", process=service)
    try:
        await main(stop)
    except Exception:
        log.exception("ended by an error", process=service)
        raise SystemExit(1) from None
    log.info("stopped", process=service)


async def until(stop: asyncio.Event, timeout_s: float) -> bool:
    """Wait until ``stop`` is set or the time is over; True when it is set."""
    try:
        await asyncio.wait_for(stop.wait(), timeout_s)
    except TimeoutError:
        return False
    return True
