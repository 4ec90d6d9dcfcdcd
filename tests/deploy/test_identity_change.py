"""Promises of the identity PostgreSQL is given where it would refuse the user's own (root's)."""

import os
import pwd
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from deploy.handle import StackHandle
from deploy.supervisor import linux
from tests.streaming_api.api import await_true

CHANGE = "from deploy.supervisor import linux; linux.change_identity({inside}, to_nobody={nobody}); "
IS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="root alone can become another user")


def _changed(code: str, *, nobody: bool = False) -> subprocess.CompletedProcess[str]:
    """Run code in a process that has changed its identity."""
    first = CHANGE.format(inside=linux.named_ids(), nobody=nobody)
    return subprocess.run(
        [sys.executable, "-c", first + code], capture_output=True, text=True, timeout=60, check=False
    )


def test_the_identity_within_a_namespace_has_a_name_and_is_not_root() -> None:
    uid, gid = linux.named_ids()
    assert 0 not in (uid, gid)
    named = {entry.pw_uid: entry.pw_gid for entry in pwd.getpwall()}
    assert named.get(uid, linux.NOBODY) == gid


@pytest.mark.skipif(linux.becomes_nobody(), reason="user namespaces are forbidden here")
def test_within_a_namespace_files_still_belong_to_the_one_who_started_it(tmp_path: Path) -> None:
    mine, written = tmp_path / "mine", tmp_path / "written"
    mine.write_text("readable by me alone")
    mine.chmod(0o600)
    done = _changed(
        f"import os, pathlib; pathlib.Path({str(written)!r}).touch(); "
        f"print(os.getresuid(), os.getresgid(), pathlib.Path({str(mine)!r}).read_text())"
    )
    uid, gid = linux.named_ids()
    assert done.stdout == f"{(uid,) * 3} {(gid,) * 3} readable by me alone\n", done.stderr
    assert (written.stat().st_uid, written.stat().st_gid) == (os.geteuid(), os.getegid())


@IS_ROOT
def test_as_nobody_there_is_no_way_back_and_nothing_of_root_in_reach(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("root's")
    secret.chmod(0o600)
    done = _changed("import os; print(os.getresuid(), os.getresgid(), os.getgroups())", nobody=True)
    nobody = (linux.NOBODY,) * 3
    assert done.stdout == f"{nobody} {nobody} []\n", done.stderr
    assert "PermissionError" in _changed("import os; os.setuid(0)", nobody=True).stderr
    assert "PermissionError" in _changed(f"open({str(secret)!r})", nobody=True).stderr


@pytest.mark.parametrize("nobody", [False, pytest.param(True, marks=IS_ROOT)])
def test_a_child_that_changed_its_identity_still_dies_with_its_parent(*, nobody: bool) -> None:
    """The change clears the signal; asked for afterwards it arrives."""
    if not nobody and linux.becomes_nobody():
        pytest.skip("user namespaces are forbidden here")
    child = (
        CHANGE.format(inside=linux.named_ids(), nobody=nobody)
        + "import os, signal; linux.die_with_parent(signal.SIGKILL, os.getppid()); "
        "print(os.getpid(), flush=True); signal.pause()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"],
        stdout=subprocess.PIPE,
    )
    assert parent.stdout
    orphan = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    await_true(lambda: _is_gone(orphan), "the child died with its parent")
    parent.stdout.close()


def _is_gone(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@pytest.mark.stack
@IS_ROOT
def test_the_running_database_of_root_is_not_root(stack: StackHandle) -> None:
    pid = stack.service("postgres").pid
    assert pid is not None
    inside, outside, count = Path(f"/proc/{pid}/uid_map").read_text().split()
    if linux.becomes_nobody():
        assert psutil.Process(pid).uids().real == linux.NOBODY
    else:
        assert (int(inside), int(outside), count) == (linux.named_ids()[0], 0, "1")
