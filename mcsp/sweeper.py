"""``mcsp sweeper``: runs every room's periodic duties, each at its own interval, none stopping another.

A duty is ``async def sweep_x(context) -> dict[str, float]`` under the entry point group ``mcsp.sweeps``,
marked with ``@every(seconds)``; the numbers it gives become the gauge ``mcsp_sweep{duty,name}``. It must
be safe to run twice at once and to be killed anywhere. What does not belong here: any duty itself.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import click
import structlog
from prometheus_client import Gauge

from mcsp.errors import UnavailableError
from mcsp.health import Check, Health
from mcsp.listener import serve_listener
from mcsp.plugins import offered
from mcsp.process import run, until
from mcsp.resources import Resources, open_resources
from mcsp.settings import settings
from mcsp.telemetry.metrics import observed

log = structlog.get_logger()

DEFAULT_INTERVAL_S = 5.0
TIMEOUT_S = 60.0
RESULT = Gauge("mcsp_sweep", "What a duty counted at its last run", ["duty", "name"])
LAST_SUCCESS = Gauge("mcsp_sweep_last_success_timestamp_seconds", "When a duty last went well", ["duty"])

SweepContext = Resources
Sweep = Callable[[SweepContext], Awaitable[dict[str, float]]]


def every(seconds: float) -> Callable[[Sweep], Sweep]:
    """Mark a duty with its interval in seconds."""

    def mark(sweep: Sweep) -> Sweep:
        sweep.interval_s = seconds
        return sweep

    return mark


@dataclass
class Duty:
    """A duty and how it went: ``good_at`` and ``error`` answer its readiness."""

    name: str
    sweep: Sweep
    interval_s: float
    good_at: float | None = None
    error: str = field(default="has not run yet")

    async def check(self) -> None:
        """Readiness: the last run went well. Raises UnavailableError with what was wrong."""
        if self.error:
            raise UnavailableError("duty_failing", f"Duty {self.name}: {self.error}")

    async def run_once(self, context: SweepContext) -> None:
        """Run once; a failure is logged and counted, and shown by ``check`` until a run goes well."""
        try:
            with observed("sweeper", self.name):
                async with asyncio.timeout(TIMEOUT_S):
                    numbers = await self.sweep(context)
        except Exception as error:  # one failing duty never stops the others; it shows in readiness
            self.error = f"{type(error).__name__}: {error}"[:300]
            log.exception("duty failed", duty=self.name)
            return
        self.error, self.good_at = "", time.time()
        LAST_SUCCESS.labels(self.name).set(self.good_at)
        for name, value in numbers.items():
            RESULT.labels(self.name, name).set(value)

    async def keep_on(self, context: SweepContext, stop: asyncio.Event) -> None:
        """Run again and again, with a tenth of jitter so that two sweepers do not march in step."""
        while not stop.is_set():
            await self.run_once(context)
            jitter = random.uniform(0.9, 1.1)  # noqa: S311 -- spreads load, hides nothing
            await until(stop, self.interval_s * jitter)


def find_duties() -> list[Duty]:
    """Every duty that a room offers."""
    duties = []
    for name, point in offered("mcsp.sweeps").items():
        sweep = point.load()
        duties.append(Duty(name, sweep, getattr(sweep, "interval_s", DEFAULT_INTERVAL_S)))
    return duties


async def sweep_until(stop: asyncio.Event, duties: list[Duty]) -> None:
    """Serve health and run the duties until ``stop`` is set."""
    options = settings()
    health = Health([Check(duty.name, duty.check) for duty in duties])
    async with (
        open_resources("sweeper", options) as context,
        serve_listener("sweeper", health, options.service_port, options.service_host),
        asyncio.TaskGroup() as group,
    ):
        for duty in duties:
            group.create_task(duty.keep_on(context, stop))


@click.command()
def sweeper() -> None:
    """Run the periodic duties of every room until stopped."""
    run("sweeper", lambda stop: sweep_until(stop, find_duties()))
