"""Promises of a first start that is cut off, supervisor and all, and of two whole stacks side by side."""

import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator

import asyncpg
import httpx
import psutil
import pytest

from deploy import control
from deploy.handle import StackHandle, free_port_base
from deploy.supervisor import processes
from mcsp.database.migrations import OWNERS, files_of
from tests.streaming_api.api import Person, await_true

pytestmark = [pytest.mark.stack, pytest.mark.fault]

LIMIT_S = 60
MIGRATIONS = {(owner.name, file.name) for owner in OWNERS for file in files_of(owner)}
_APPLIED = "SELECT owner, name FROM public.migration"

Reached = Callable[[StackHandle], Awaitable[bool]]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StackHandle]:
    """A whole stack that was never started; ended afterwards, and nothing of it may be left running."""
    handle = StackHandle(tmp_path_factory.mktemp("first") / "home", free_port_base())
    try:
        yield handle
    finally:
        handle.down()
    assert handle.left_running() == set()


async def _initdb_writes(stack: StackHandle) -> bool:
    data = stack.context.layout.data("postgres")
    return data.with_name("postgres.new").joinpath("PG_VERSION").exists() and not data.exists()


async def _kafka_is_formatting(stack: StackHandle) -> bool:
    if stack.context.layout.data("kafka").joinpath("meta.properties").exists():
        return False
    return any("kafka.tools.StorageTool" in command for command in _commands(stack.left_running()))


async def _half_is_migrated(stack: StackHandle) -> bool:
    state = control.read_state(stack.context)
    if state is None or state.units["migrate"].state != "starting":
        return False
    return 0 < len(await _migrated(stack)) < len(MIGRATIONS)


def _commands(pids: set[int]) -> Iterator[list[str]]:
    for pid in pids:
        try:
            yield psutil.Process(pid).cmdline()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue  # it ended while we looked


async def _migrated(stack: StackHandle) -> set[tuple[str, str]]:
    """The files whose migration is committed; none while there is no server, database or table."""
    variables, found = stack.env("tests"), set()
    for database in {owner.database for owner in OWNERS}:
        try:
            connection = await asyncpg.connect(variables[f"MCSP_DSN__ADMIN_{database.upper()}"], timeout=5)
        except (OSError, asyncpg.PostgresError):
            continue
        try:
            found |= {(row["owner"], row["name"]) for row in await connection.fetch(_APPLIED)}
        except asyncpg.UndefinedTableError:
            continue
        finally:
            await connection.close()
    return found


def _begun(stack: StackHandle) -> subprocess.Popen[bytes]:
    command = stack.context.command("up", "--wait")
    return subprocess.Popen(command, env=stack.env("client"), stdout=subprocess.DEVNULL)


async def _cut_off(stack: StackHandle, reached: Reached) -> None:
    """``mcsp up --wait``, killed with supervisor and guard as soon as it has come to the point."""
    up = _begun(stack)
    try:
        deadline = time.monotonic() + LIMIT_S
        while not await reached(stack):
            assert up.poll() is None, f"`mcsp up` ended before {reached.__name__}"
            assert time.monotonic() < deadline, reached.__name__
    finally:
        up.kill()
        up.wait()
    killed = stack.supervision()
    assert len(killed) == 2, "supervisor and guard"
    processes.signal_all(killed, signal.SIGKILL)
    processes.wait_until_gone(killed, limit_s=10)
    assert not control.is_running(stack.context)


async def test_a_first_start_killed_at_three_points_is_made_whole_by_the_next(fresh: StackHandle) -> None:
    for reached in (_initdb_writes, _kafka_is_formatting, _half_is_migrated):
        await _cut_off(fresh, reached)
    assert await _migrated(fresh) < MIGRATIONS, "it was cut off in the middle"
    fresh.up()
    report = fresh.status()
    assert report.ready
    assert {service.state for service in report.services.values()} == {"healthy"}
    assert await _migrated(fresh) == MIGRATIONS
    assert [path.name for path in (fresh.home / "data").iterdir() if "." in path.name] == []
    assert Person(fresh.urls["api"]).uploaded()


def _pids(stack: StackHandle) -> dict[str, int | None]:
    return {name: service.pid for name, service in stack.status().services.items()}


def _ended(person: Person, media_id: str) -> bool:
    return person.http.get(f"/v1/media/{media_id}").json()["status"] == "failed"


def test_two_whole_stacks_run_side_by_side_and_share_nothing(stack: StackHandle, fresh: StackHandle) -> None:
    before = _pids(stack)
    fresh.up()
    assert fresh.status().ready
    here, there = (Person(handle.urls["api"]) for handle in (stack, fresh))
    for person in (here, there):
        media_id = person.uploaded(b"no media at all")
        await_true(lambda who=person, item=media_id: _ended(who, item), "a worker has looked at it")
    elsewhere = httpx.get(f"{fresh.urls['api']}/v1/me", headers={"Authorization": f"Bearer {here.token}"})
    assert elsewhere.status_code == 401
    assert stack.left_running().isdisjoint(fresh.left_running())
    fresh.down()
    assert stack.status().ready
    assert _pids(stack) == before
    assert here.http.get("/v1/me").status_code == 200
