"""``mcsp collector``: the process that loads events into ClickHouse and the lake."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import click

from mcsp import kafka
from mcsp.contracts.topics import EVENTS_RAW
from mcsp.health import Check, Health
from mcsp.kafka import open_producer
from mcsp.listener import serve_listener
from mcsp.process import run
from mcsp.settings import Settings, settings
from warehouse.collector.fast import open_fast
from warehouse.collector.lake import Lake
from warehouse.collector.lane import Lane
from warehouse.collector.reader import Reader


@asynccontextmanager
async def _open_lake(options: Settings, name: str) -> AsyncIterator[Lake]:
    async with open_producer(options.kafka_bootstrap, name=f"{name}-dead") as producer:
        yield Lake(options.lake, producer)


def lanes(options: Settings, topic: str, name: str) -> list[Lane]:
    """Both lanes of a topic. ``name`` is shown to Kafka."""
    open_reader = partial(Reader, options.kafka_bootstrap, topic, name=name)
    return [
        Lane("clickhouse", lambda: open_fast(options.clickhouse_url), open_reader),
        Lane("lake", lambda: _open_lake(options, name), open_reader),
    ]


async def _main(topic: str, name: str, stop: asyncio.Event) -> None:
    options = settings()
    both = lanes(options, topic, name)
    checks = [Check("kafka", lambda: kafka.check(options.kafka_bootstrap))]
    checks += [Check(lane.name, lane.check) for lane in both]
    async with (
        serve_listener("collector", Health(checks), options.service_port, options.service_host),
        asyncio.TaskGroup() as tasks,
    ):
        for lane in both:
            tasks.create_task(lane.run(stop))


@click.command()
@click.option("--name", default="collector", help="Shown to Kafka.")
@click.option("--topic", default=EVENTS_RAW.name, show_default=True, help="Where events are read from.")
def collector(name: str, topic: str) -> None:
    """Load events into ClickHouse (within seconds) and the lake (by the minute) until stopped."""
    run("collector", partial(_main, topic, name))
