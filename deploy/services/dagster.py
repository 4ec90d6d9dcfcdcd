"""Dagster: one code server, the webserver and the daemon, on a database of their own.

The daemon reloads its workspace every 60 s, which with ``python_module`` would start a code server each
time; so one code server runs for good and the generated workspace points at it.
"""

import asyncio
import sys
import time
from functools import partial

import asyncpg

from deploy import http
from deploy.context import Context
from deploy.environment import of_role
from deploy.ports import HOST
from deploy.services.first_hour import first_hour
from deploy.services.postgres import dsn
from deploy.supervisor.files import write_atomically
from deploy.supervisor.service import NotReadyError, RunCommand, Service

LOCATION = "mcsp"
LINEAGE = f"/locations/{LOCATION}/asset-groups/media/lineage"
"""Path of the page that shows how the media assets come from one another; Dagster opens on its runs."""

TICK_LIMIT_S = 180
"""A sensor's tick is ended then. It stops by itself after a minute at most, an hour of millions of segments
apart; Dagster's own limit of 60 s would end that one again and again."""

HEARTBEAT_LIMIT_S = 120
"""The daemon writes a heartbeat every 30 s; a busy tick may take longer."""

_INSTANCE = """\
storage:
  postgres:
    postgres_db:
      hostname: {host}
      port: {port}
      username: dagster
      password: {{env: MCSP_DAGSTER_PASSWORD}}
      db_name: dagster
run_monitoring:
  enabled: true
  start_timeout_seconds: 120
retention:
  schedule: {{purge_after_days: {{skipped: 7, failure: 30, success: 30}}}}
  sensor: {{purge_after_days: {{skipped: 1, failure: 30, success: 7}}}}
concurrency:
  pools: {{default_limit: 2}}
  runs: {{max_concurrent_runs: 2}}
freshness:
  enabled: true
telemetry:
  enabled: false
nux:
  enabled: false
"""

_WORKSPACE = """\
load_from:
  - grpc_server:
      host: {host}
      port: {port}
      location_name: {location}
"""

_LOCATIONS = """{ workspaceOrError { ... on Workspace { locationEntries {
  name loadStatus locationOrLoadError { __typename ... on PythonError { message } } } } } }"""

_HEARTBEATS = """SELECT count(*), min(extract(epoch FROM timestamp AT TIME ZONE 'UTC'))::float8
FROM daemon_heartbeats WHERE timestamp AT TIME ZONE 'UTC' > to_timestamp($1)"""


def services(context: Context) -> list[Service]:
    """Code server, webserver, daemon. Only the code server (and the runs it starts) knows our addresses."""
    workspace = str(context.layout.data("dagster") / "workspace.yaml")
    heartbeat = Heartbeat(dsn(context, "dagster", "dagster"))
    code, web = context.ports.dagster_code, context.ports.dagster_web
    coded = {**_environment(context), **of_role(context, "dagster")}
    return [
        Service(
            name="dagster-code",
            command=(sys.executable, "-m", "dagster", "api", "grpc", "-h", HOST, "-p", str(code),
                     "-m", "orchestration.definitions", "--location-name", LOCATION),
            environment=coded,
            ready=partial(_listens, code),
            needs=("migrate",),
            ports=(code,),
            prepare=partial(_prepare_code, context, coded),
        ),
        Service(
            name="dagster-web",
            command=(sys.executable, "-m", "dagster_webserver", "-h", HOST, "-p", str(web), "-w", workspace),
            environment=_environment(context),
            ready=partial(_location_loaded, web),
            alive=http.answers(web, "/server_info"),
            needs=("bootstrap-databases", "dagster-code"),
            ports=(web,),
            prepare=partial(_prepare, context),
        ),
        Service(
            name="dagster-daemon",
            command=(sys.executable, "-m", "dagster._daemon", "run", "-w", workspace),
            environment=_environment(context),
            ready=heartbeat.since_start,
            alive=heartbeat.recent,
            needs=("bootstrap-databases", "dagster-code"),
            prepare=partial(_prepare_daemon, context, heartbeat),
        ),
    ]  # fmt: skip


class Heartbeat:
    """The daemon's heartbeats in its database; its own health answer stays good long after it died."""

    def __init__(self, address: str) -> None:
        self._address, self.started_at = address, 0.0

    async def since_start(self) -> None:
        """It has written one since it was started. Raises NotReadyError."""
        await self._newer_than(self.started_at)

    async def recent(self) -> None:
        """It has written one lately. Raises NotReadyError."""
        await self._newer_than(max(self.started_at, time.time() - HEARTBEAT_LIMIT_S))

    async def _newer_than(self, moment: float) -> None:
        try:
            connection = await asyncpg.connect(self._address, timeout=5)
            try:
                count = (await connection.fetchrow(_HEARTBEATS, moment))[0]
            finally:
                await connection.close(timeout=5)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise NotReadyError(f"its heartbeats cannot be read: {error}") from error
        if count == 0:
            raise NotReadyError("no heartbeat yet")


async def _listens(port: int) -> None:
    try:
        _, writer = await asyncio.open_connection(HOST, port)
    except OSError as error:
        raise NotReadyError.of(error) from error
    writer.close()
    await writer.wait_closed()


async def _location_loaded(port: int) -> None:
    answer = await http.ask("POST", f"http://{HOST}:{port}/graphql", {"query": _LOCATIONS})
    for entry in answer.json()["data"]["workspaceOrError"]["locationEntries"]:
        loaded = entry["locationOrLoadError"] or {}
        if entry["loadStatus"] != "LOADED" or loaded.get("__typename") != "RepositoryLocation":
            raise NotReadyError(
                f"code location {entry['name']}: {loaded.get('message', entry['loadStatus'])}"
            )


async def _prepare(context: Context, _run: RunCommand) -> None:
    home = context.layout.make_data("dagster")
    instance = _INSTANCE.format(host=HOST, port=context.ports.postgres)
    write_atomically(home / "dagster.yaml", instance.encode())
    workspace = _WORKSPACE.format(host=HOST, port=context.ports.dagster_code, location=LOCATION)
    write_atomically(home / "workspace.yaml", workspace.encode())


async def _prepare_code(context: Context, environment: dict[str, str], run: RunCommand) -> None:
    """What the code is told and only the database knows."""
    await _prepare(context, run)
    environment["MCSP_FIRST_HOUR"] = await first_hour(context)


async def _prepare_daemon(context: Context, heartbeat: Heartbeat, run: RunCommand) -> None:
    await _prepare(context, run)
    heartbeat.started_at = time.time()


def _environment(context: Context) -> dict[str, str]:
    return {
        **context.base_environment(),
        "DAGSTER_HOME": str(context.layout.data("dagster")),
        "DAGSTER_DISABLE_TELEMETRY": "true",
        "DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS": str(TICK_LIMIT_S),
        "MCSP_DAGSTER_PASSWORD": context.credentials.password("postgres-dagster"),
    }
