"""Promises of supervision, each on a small stack of its own: whatever is killed or left over is healed."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import redis

from deploy import control
from deploy.handle import StackHandle, free_port_base
from deploy.supervisor import processes

pytestmark = pytest.mark.fault

SMALL = ("postgres", "valkey")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[StackHandle]:
    """A stack that is not started yet; ended afterwards whatever happened."""
    handle = StackHandle(tmp_path / "home", free_port_base())
    yield handle
    handle.down()


def _supervisor(stack: StackHandle) -> int:
    state = control.read_state(stack.context)
    assert state is not None
    return state.pid


def _kill_hard(pids: list[int]) -> None:
    processes.signal_all(pids, signal.SIGKILL)
    processes.wait_until_gone(pids, limit_s=10)


def _set(stack: StackHandle, key: str, value: str) -> None:
    with redis.from_url(stack.env("tests")["MCSP_VALKEY_URL"]) as client:
        client.set(key, value)
        client.execute_command("WAITAOF", 1, 0, 5000)


def _get(stack: StackHandle, key: str) -> bytes:
    with redis.from_url(stack.env("tests")["MCSP_VALKEY_URL"]) as client:
        return client.get(key)  # pyright: ignore[reportReturnType] -- redis-py's type covers its async client too


def test_a_killed_supervisor_is_replaced_and_the_data_is_there(small: StackHandle) -> None:
    small.up(only=SMALL)
    _set(small, "word", "here")
    first, old_server = _supervisor(small), small.service("valkey").pid
    _kill_hard([first])
    small.wait_ready("valkey", other_than=old_server)
    small.wait_ready()
    assert _supervisor(small) != first
    assert _get(small, "word") == b"here"
    small.kill_and_wait("valkey")
    assert _get(small, "word") == b"here"


def test_up_heals_after_supervisor_and_guard_were_killed(small: StackHandle) -> None:
    small.up(only=SMALL)
    _set(small, "word", "here")
    _kill_hard(small.supervision())
    assert small.status().ready is False
    small.up(only=SMALL)
    assert small.status().ready is True
    assert _get(small, "word") == b"here"


def test_down_ends_everything_after_supervisor_and_guard_were_killed(small: StackHandle) -> None:
    small.up(only=SMALL)
    pids = [report.pid for report in small.status().services.values() if report.pid]
    _kill_hard(small.supervision())
    small.down()
    assert all(processes.start_ticks(pid) is None for pid in pids)
    assert all(processes.is_free(small.port_base + offset) for offset in range(100))


def test_nothing_is_left_running_after_down_and_the_data_stays(small: StackHandle) -> None:
    small.up(only=SMALL)
    _set(small, "word", "here")
    small.down()
    assert small.left_running() == set()
    answer = small.status()
    assert answer.ready is False
    assert {report.state for report in answer.services.values()} == {"stopped"}
    small.up(only=SMALL)
    assert _get(small, "word") == b"here"


def _object_store_sockets(stack: StackHandle) -> list[Path]:
    ports = stack.context.ports.seaweedfs
    return [path for port in ports for path in Path("/tmp").glob(f"seaweedfs-*-grpc-{port}.sock")]


def test_no_socket_is_left_in_tmp_to_stop_another_user(small: StackHandle) -> None:
    small.up(only=("s3",))
    assert _object_store_sockets(small)
    small.down()
    assert _object_store_sockets(small) == []


def test_two_stacks_run_side_by_side(small: StackHandle, tmp_path: Path) -> None:
    small.up(only=SMALL)
    other = StackHandle(tmp_path / "other", free_port_base())
    try:
        other.up(only=SMALL)
        _set(small, "whose", "the first")
        _set(other, "whose", "the second")
        assert _get(small, "whose") == b"the first"
        other.down()
        assert small.status().ready is True
    finally:
        other.down()


def test_ports_in_use_are_said_one_a_line_with_their_holders_and_nothing_starts(small: StackHandle) -> None:
    with socket.socket() as one, socket.socket() as other:
        for squatter, offset in ((one, 20), (other, 21)):
            squatter.bind(("127.0.0.1", small.port_base + offset))
            squatter.listen()
        done = small.run("up", "--wait", "--only", "valkey,postgres")
    me = f"held by pid {os.getpid()} ({psutil.Process().name()})"
    assert done.returncode == 1
    headline, first, second, step = done.stderr.splitlines()
    assert headline == "Error: 2 ports are in use; nothing was started."
    assert first == f"  {small.port_base + 20}  postgres  {me}"
    assert second == f"  {small.port_base + 21}  valkey    {me}"
    assert step.startswith("Next: end what holds them, or take a range that is free: MCSP_PORT_BASE=")
    suggested = StackHandle(small.home, int(step.rpartition("=")[2]))
    assert small.left_running() == set()
    suggested.up(only=("valkey",))
    assert suggested.service("valkey").state == "healthy"


def test_a_port_in_use_by_another_stack_names_that_stack(small: StackHandle, tmp_path: Path) -> None:
    small.up(only=("valkey",))
    done = StackHandle(tmp_path / "other", small.port_base).run("up", "--only", "valkey")
    assert done.returncode == 1
    assert done.stderr.splitlines()[0] == "Error: 1 port is in use; nothing was started."
    assert f", of the stack in {small.home}\n" in done.stderr
    assert f"Next: `MCSP_HOME={small.home} mcsp down`, or take" in done.stderr


def test_up_twice_attaches_and_only_adds(small: StackHandle) -> None:
    small.up(only=("valkey",))
    pid = small.service("valkey").pid
    small.up(only=("postgres",))
    assert {"postgres", "valkey"} == small.status().services.keys()
    assert small.service("valkey").pid == pid


def test_an_old_lock_of_postgres_is_healed(small: StackHandle) -> None:
    small.up(only=("postgres",))
    lock = small.context.layout.data("postgres") / "postmaster.pid"
    old = lock.read_text()
    small.down()
    lock.write_text("\n".join([str(os.getpid()), *old.split("\n")[1:]]))  # a pid that is somebody else's now
    small.up(only=("postgres",))
    assert small.service("postgres").state == "healthy"


def test_a_first_start_that_was_cut_off_is_done_again(small: StackHandle) -> None:
    half = small.context.layout.data("postgres").with_name("postgres.new")
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18")
    small.up(only=("postgres",))
    assert not half.exists()


def test_a_server_that_left_its_parent_is_ended_by_the_next_start(small: StackHandle) -> None:
    """What carries the stack's mark is the stack's, whoever its parent is now."""
    from deploy.supervisor.sessions import MARK

    stray = subprocess.Popen(
        [sys.executable, "-c", "import signal; signal.pause()"],
        env={MARK: str(small.context.layout.home)},
        start_new_session=True,
    )
    small.up(only=("valkey",))
    assert stray.wait(timeout=10) == -signal.SIGKILL


def test_a_service_that_cannot_start_is_named_with_its_log_and_a_next_step(small: StackHandle) -> None:
    folder = small.context.layout.data("valkey")
    folder.parent.mkdir(parents=True)
    (folder).mkdir()
    (folder / "appendonlydir").write_text("a file where a folder belongs")
    done = small.run("up", "--wait", "--only", "valkey")
    assert done.returncode == 1
    assert "valkey does not start" in done.stderr
    assert "valkey.log" in done.stderr
    assert "mcsp doctor" in done.stderr
    (folder / "appendonlydir").unlink()
    small.wait_ready("valkey")  # it never gave up


def test_the_guard_alone_can_be_missed(small: StackHandle) -> None:
    small.up(only=("valkey",))
    guard = set(small.supervision()) - {_supervisor(small)}
    _kill_hard(list(guard))
    small.kill_and_wait("valkey")
    small.down()
    assert small.left_running() == set()


def test_the_drafts_of_a_killed_supervisor_are_removed(small: StackHandle) -> None:
    small.context.layout.make()
    draft = small.context.layout.run / ".state.json-abandoned"
    draft.write_text("{")
    small.up(only=("valkey",))
    assert not draft.exists()
