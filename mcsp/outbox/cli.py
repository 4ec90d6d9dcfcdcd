"""``mcsp relay``: the process that moves outbox messages to Kafka."""

import asyncio

import click

from mcsp import kafka
from mcsp.health import Check, Health
from mcsp.listener import serve_listener
from mcsp.outbox.relay import Relay
from mcsp.process import run
from mcsp.settings import settings


async def _main(stop: asyncio.Event) -> None:
    options = settings()
    relay = Relay(options.dsn_of("relay"), options.kafka_bootstrap)
    checks = [
        Check("postgres", relay.check),
        Check("kafka", lambda: kafka.check(options.kafka_bootstrap)),
    ]
    async with serve_listener("relay", Health(checks), options.service_port, options.service_host):
        await relay.run(stop)


@click.command()
def relay() -> None:
    """Publish outbox messages to Kafka until stopped (DSN RELAY, MCSP_KAFKA_BOOTSTRAP)."""
    run("relay", _main)
