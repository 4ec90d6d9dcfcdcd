"""ClickHouse (``deploy.chdb``) and its users. Tables: ``deploy.services.clickhouse_migrate``."""

import sys
from functools import partial
from pathlib import Path

import httpx
import msgspec

from deploy.context import Context
from deploy.http import no_tls
from deploy.ports import HOST
from deploy.supervisor.files import write_atomically
from deploy.supervisor.service import NotReadyError, RunCommand, Service

RIGHTS = {"admin": "define", "collector": "write", "creators": "read"}
"""Users and what they may: ``read`` queries, ``write`` inserts and queries, ``define`` makes tables."""


def url(context: Context, user: str) -> str:
    """Address with the user's name and password."""
    password = context.credentials.password(f"clickhouse-{user}")
    return f"http://{user}:{password}@{HOST}:{context.ports.clickhouse}"


def service(context: Context) -> Service:
    """Ready when it answers a query."""
    arguments = (context.layout.data("clickhouse"), _users(context), context.ports.clickhouse)
    return Service(
        name="clickhouse",
        command=(sys.executable, "-m", "deploy.chdb", *map(str, arguments)),
        environment={**context.base_environment(), "TZ": "UTC"},
        ready=partial(_probe, context),
        ports=(context.ports.clickhouse,),
        prepare=partial(_prepare, context),
    )


def _users(context: Context) -> Path:
    return context.layout.secrets / "clickhouse-users.json"


async def _prepare(context: Context, _run: RunCommand) -> None:
    context.layout.make_data("clickhouse")
    users = [
        {"name": name, "password": context.credentials.password(f"clickhouse-{name}"), "right": right}
        for name, right in RIGHTS.items()
    ]
    write_atomically(_users(context), msgspec.json.encode(users), mode=0o600)


async def _probe(context: Context) -> None:
    try:
        async with httpx.AsyncClient(timeout=5, trust_env=False, verify=no_tls()) as client:
            answer = await client.post(url(context, "creators"), content=b"SELECT 1")
    except httpx.HTTPError as error:
        raise NotReadyError.of(error) from error
    if answer.text.strip() != "1":
        raise NotReadyError(f"{answer.status_code} {answer.text[:300]}")
