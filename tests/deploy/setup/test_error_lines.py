"""Whatever goes wrong, the person reads one line with the next step, and the exit status says failure."""

import ctypes
import os
import shutil
import subprocess
from functools import partial
from pathlib import Path

import pytest

from deploy.setup import commands
from deploy.setup.errors import SetupError
from deploy.setup.places import LOGS, VENV
from deploy.supervisor import linux

from .conftest import ROOT, base_python, run_setup

NOBODY_LISTENS = "http://127.0.0.1:9"


def the_line(done: subprocess.CompletedProcess[str]) -> str:
    """The one line about the failure; anything more or a success is an error."""
    assert done.returncode != 0, done.stdout
    lines = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("setup: ")
    assert " Next: " in lines[0]
    return lines[0]


def make_setup(tree: Path, path: Path) -> subprocess.CompletedProcess[str]:
    """`make setup` with a PATH that holds nothing but what is in ``path``."""
    make = shutil.which("make")
    assert make
    return subprocess.run(
        [make, "--no-print-directory", "setup"],
        cwd=tree,
        env={"PATH": str(path), "HOME": str(tree)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder for PATH that holds a shell alone."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "sh").symlink_to("/bin/sh")
    return folder


def test_no_python_at_all(tree: Path, tools: Path) -> None:
    line = the_line(make_setup(tree, tools))
    assert "no Python at all" in line
    assert "install Python 3.11" in line


def test_another_python_than_3_11(tree: Path, tools: Path) -> None:
    python = tools / "python3"
    python.write_text("#!/bin/sh\necho 3.13\n")
    python.chmod(0o755)
    line = the_line(make_setup(tree, tools))
    assert f"3.13 ({python})" in line
    assert "PYTHON=/path/to/python3.11" in line


def test_the_set_up_itself_refuses_another_python(tree: Path) -> None:
    pretend = "import sys; sys.version_info = (3, 12, 1, 'final', 0)"
    script = f"{pretend}; from deploy.setup.__main__ import main; sys.exit(main([]))"
    done = subprocess.run(
        [base_python(), "-c", script], cwd=tree, capture_output=True, text=True, check=False
    )
    assert "MCSP needs Python 3.11" in the_line(done)


def test_a_venv_that_is_a_link_is_left_alone(tree: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").touch()
    (tree / ".venv").symlink_to(elsewhere)
    assert "is a link" in the_line(run_setup(tree))
    assert (elsewhere / "precious").exists()


def test_an_unreachable_registry_stops_the_first_step(tree: Path, tmp_path: Path) -> None:
    env = {
        "PIP_INDEX_URL": f"{NOBODY_LISTENS}/simple",
        "PIP_FIND_LINKS": "",
        "PIP_CACHE_DIR": str(tmp_path / "cache"),
    }
    line = the_line(run_setup(tree, env))
    assert line.startswith("setup: python: the package registry cannot be reached.")
    assert "check the network" in line


UNREACHABLE = {
    "uv": [
        "uv",
        "pip",
        "install",
        "--no-cache",
        "--default-index",
        f"{NOBODY_LISTENS}/simple",
        "--target",
        "T",
        "ruff",
    ],
    "npm": [
        "npm",
        "install",
        "--registry",
        NOBODY_LISTENS,
        "--fetch-retries",
        "0",
        "--cache",
        "T",
        "hls.js@1.7.4",
    ],
    "jgo": ["jgo", "--repo-cache", "T", "--no-cache", "-r", f"central:{NOBODY_LISTENS}/", "sync"],
}


@pytest.mark.parametrize("tool", UNREACHABLE)
@pytest.mark.skipif(not VENV.exists(), reason="this tree was not set up by make setup")
def test_each_tool_says_that_its_registry_is_unreachable(tool: str, tmp_path: Path) -> None:
    argv = UNREACHABLE[tool]
    shutil.copy(ROOT / "deploy" / "jars" / "log4j" / "jgo.toml", tmp_path)
    env = {"PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ['PATH']}", "VIRTUAL_ENV": str(VENV)}
    with pytest.raises(SetupError) as caught:
        commands.run(f"test-{tool}", [VENV / "bin" / argv[0], *argv[1:]], cwd=tmp_path, env=env)
    (LOGS / f"test-{tool}.log").unlink()
    assert caught.value.problem == "the package registry cannot be reached."


CLONE_NEWNS = 0x20000
COPY_AND_SET_UP = """
import os, shutil, sys
shutil.copytree(sys.argv[1], ".", dirs_exist_ok=True)
os.execv(sys.executable, [sys.executable, "-m", "deploy.setup"])
"""


def enter_small_filesystem(folder: Path, size: str) -> None:
    """In a child: ``folder`` becomes a file system of ``size`` that nobody else sees, and the working folder.

    System calls, because an ordinary user may have neither unshare nor mount on PATH. Raises OSError.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    linux.enter_user_namespace((0, 0))
    options = f"size={size}".encode()
    if libc.unshare(CLONE_NEWNS) or libc.mount(b"tmpfs", bytes(folder), b"tmpfs", 0, options):
        raise OSError(ctypes.get_errno(), "unshare or mount")
    os.chdir(folder)


def set_up_on_a_disk_of(size: str, tree: Path, tmp_path: Path) -> subprocess.CompletedProcess[str]:
    """Runs the set-up in a copy of ``tree`` that stands on a disk of that size.

    Only a full file system says ENOSPC: a limit on the size of files (RLIMIT_FSIZE) says EFBIG and counts
    each file alone, and quotas are root's.
    """
    small = tmp_path / "small"
    small.mkdir()
    try:
        return subprocess.run(
            [base_python(), "-c", COPY_AND_SET_UP, tree],
            preexec_fn=partial(enter_small_filesystem, small, size),
            capture_output=True,
            text=True,
            check=False,
        )
    except subprocess.SubprocessError:
        pytest.skip("user namespaces are forbidden here, so that only root could make a small file system")


def test_a_disk_too_small_is_told_before_any_work(tree: Path, tmp_path: Path) -> None:
    line = the_line(set_up_on_a_disk_of("64m", tree, tmp_path))
    assert "0.1 GB are free" in line
    assert "free some space" in line


def test_a_disk_that_fills_up_in_the_middle_is_told_in_one_line(tree: Path, tmp_path: Path) -> None:
    (tree / ".venv").mkdir()  # a set-up that had begun is not asked for room again
    line = the_line(set_up_on_a_disk_of("24m", tree, tmp_path))
    assert "the disk is full." in line
    assert "it goes on where it stopped" in line
