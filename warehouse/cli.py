"""``mcsp warehouse``: commands about the stores of numbers."""

import asyncio

import click

from mcsp.by_hand import settings_with
from mcsp.settings import settings
from warehouse.clickhouse.client import open_client
from warehouse.clickhouse.migrations import migrate as migrate_clickhouse


@click.group()
def warehouse() -> None:
    """ClickHouse and the lake: bring tables up to date, replay what could not be loaded."""


async def _migrate() -> None:
    async with open_client(settings().clickhouse_url) as client:
        for name in await migrate_clickhouse(client):
            click.echo(f"clickhouse: {name}")


@warehouse.command()
def migrate() -> None:
    """Apply what is missing of ClickHouse's migrations (MCSP_CLICKHOUSE_URL of a user that may define)."""
    asyncio.run(_migrate())


@warehouse.command()
def replay() -> None:
    """Put back what was set aside on events.dlq and can be read by now; says what still cannot, and why."""
    from warehouse.collector import dead

    options = settings_with("collector", lambda found: bool(found.kafka_bootstrap))
    done = asyncio.run(dead.replay(options.kafka_bootstrap))
    for key in done.again:
        click.echo(f"again  {key}")
    for key, reason in done.still.items():
        click.echo(f"stays  {key}: {reason}")
    click.echo(f"{len(done.again)} put back, {len(done.still)} stay")
