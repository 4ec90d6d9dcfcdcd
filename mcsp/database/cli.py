"""``mcsp migrate``: bring every owner's schema up to date (run by the stack before the services start)."""

import asyncio
import importlib.util

import asyncpg
import click

from mcsp.database.migrations import OWNERS
from mcsp.database.migrations import migrate as migrate_owner
from mcsp.settings import settings


async def _migrate_all() -> None:
    for owner in OWNERS:
        if importlib.util.find_spec(owner.package) is None:
            continue
        connection = await asyncpg.connect(settings().dsn_of(f"admin_{owner.database}"))
        try:
            for name in await migrate_owner(connection, owner):
                click.echo(f"{owner.name}: {name}")
        finally:
            await connection.close()


@click.command()
def migrate() -> None:
    """Apply what is missing of every owner's migrations (needs the DSNs ADMIN_IDENTITY and ADMIN_CONTENT)."""
    asyncio.run(_migrate_all())
