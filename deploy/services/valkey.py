"""Valkey: sessions, counters, caches. Nothing rests on it alone, yet it keeps its data (append-only file)."""

from functools import partial

import redis.asyncio as redis

from deploy import programs
from deploy.context import Context
from deploy.ports import HOST
from deploy.supervisor.files import write_atomically
from deploy.supervisor.service import NotReadyError, RunCommand, Service


def url(context: Context) -> str:
    """Address with password, as redis-py takes it."""
    return f"redis://:{context.credentials.password('valkey')}@{HOST}:{context.ports.valkey}/0"


def service(context: Context) -> Service:
    """Ready when it answers an authenticated PING."""
    configuration = context.layout.run / "valkey.conf"
    return Service(
        name="valkey",
        command=(programs.valkey_server(), str(configuration)),
        environment=context.base_environment(),
        ready=partial(_probe, url(context)),
        ports=(context.ports.valkey,),
        prepare=partial(_prepare, context),
    )


async def _probe(address: str) -> None:
    client = redis.from_url(address, socket_timeout=5, socket_connect_timeout=5)
    try:
        await client.ping()
    except (redis.RedisError, OSError) as error:
        raise NotReadyError.of(error) from error
    finally:
        await client.aclose()


async def _prepare(context: Context, _run: RunCommand) -> None:
    data = context.layout.make_data("valkey")
    lines = (
        f"bind {HOST}", f"port {context.ports.valkey}", f'dir "{data}"', "appendonly yes", "save \"\"",
        f"requirepass {context.credentials.password('valkey')}", "daemonize no", "databases 1",
    )  # fmt: skip
    # The password stands in a file of ours alone, not in the arguments that `ps` shows to everybody.
    write_atomically(context.layout.run / "valkey.conf", "\n".join(lines).encode(), mode=0o600)
