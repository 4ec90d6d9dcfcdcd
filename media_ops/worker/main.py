"""The worker process: opens what it needs, runs its slots, wakes, renders and stops gracefully.

What does not belong here: the command line (``media_ops.cli``).
"""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import structlog

from mcsp.health import Check, Health
from mcsp.kafka import check as check_kafka
from mcsp.listener import serve_listener
from mcsp.process import until
from mcsp.resources import Resources, open_resources
from mcsp.settings import Settings
from media_ops.ledger import losses
from media_ops.worker.context import DATABASE_AWAY, WorkerContext, patiently
from media_ops.worker.metrics import RUNNING
from media_ops.worker.places import ENCODE, QUICK
from media_ops.worker.publisher import Publisher
from media_ops.worker.slots import POLL_S, Slot
from media_ops.worker.wakes import listen
from media_ops.worker.work import Workshop

log = structlog.get_logger()

CONNECTIONS, HEARTBEAT_CONNECTIONS = 24, 3
FLUSH_S = 2.0


async def run_worker(name: str, settings: Settings, stop: asyncio.Event) -> None:
    """Work until ``stop`` is set; then leases are given back and child processes are gone."""
    async with open_resources(name, settings) as resources:
        context = await _context(name, resources)
        publisher = Publisher(context)
        shop = Workshop(publisher)
        quick = Slot(context, "quick", QUICK, shop.work)
        encode = Slot(context, "encode", ENCODE, shop.work)
        RUNNING.labels("quick").set_function(lambda: quick.running)
        RUNNING.labels("encode").set_function(lambda: encode.running)
        health = Health([
            *await resources.checks(),
            Check("kafka", lambda: check_kafka(settings.kafka_bootstrap), required=False),
        ])  # fmt: skip
        async with serve_listener(name, health, settings.service_port, settings.service_host):
            await patiently(lambda: losses.reclaim(context.pool, worker=name))
            async with asyncio.TaskGroup() as group:
                group.create_task(quick.run(stop))
                group.create_task(encode.run(stop))
                group.create_task(listen(settings.kafka_bootstrap, name, context.wake, stop))
                group.create_task(_repeat(partial(_look_after, context, publisher), stop))
                group.create_task(_repeat(publisher.verify, stop))
        await publisher.flush(FLUSH_S)


async def _context(name: str, resources: Resources) -> WorkerContext:
    scratch = await asyncio.to_thread(_empty_folder, resources.settings.home / "scratch" / name)
    return WorkerContext(
        name=name,
        settings=resources.settings,
        pool=await resources.pool("media_ops", max_size=CONNECTIONS),
        heartbeats=await resources.pool("media_ops", max_size=HEARTBEAT_CONNECTIONS, purpose="heartbeats"),
        store=await resources.store(),
        presigner=resources.presigner,
        scratch=scratch,
    )


def _empty_folder(path: Path) -> Path:
    """The folder without what a killed worker of this name left in it."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True, exist_ok=True)
    return path.resolve()


async def _look_after(context: WorkerContext, publisher: Publisher) -> None:
    """What any worker does for all: leases that ran out are due again, stale manifests are rendered."""
    if await losses.reclaim(context.pool):
        context.wake()
    await publisher.adopt()


async def _repeat(duty: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            await duty()
        except DATABASE_AWAY as error:
            log.warning("database away", error=f"{type(error).__name__}: {error}")
        await until(stop, POLL_S)
