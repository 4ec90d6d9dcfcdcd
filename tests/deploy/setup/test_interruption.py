"""A set-up that is ended in the middle leaves nothing that the next one does not mend."""

import signal
import subprocess
from pathlib import Path

import pytest

from .conftest import base_python, run_setup

pytestmark = [pytest.mark.fault, pytest.mark.timeout(2000)]


def started_setup(tree: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [base_python(), "-m", "deploy.setup"],
        cwd=tree,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def read_until(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return
    pytest.fail(f"the set-up ended before it said {text!r}: {process.communicate()[1]}")


def mcsp_help(tree: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [tree / ".venv" / "bin" / "mcsp", "--help"], capture_output=True, text=True, check=False, cwd=tree
    )


def test_killed_while_it_installs_and_run_again(tree: Path) -> None:
    process = started_setup(tree)
    read_until(process, "installing the locked packages")
    process.kill()
    process.communicate()
    assert (tree / ".venv" / "packages.unfinished").exists() or not (
        tree / ".venv" / "packages.stamp"
    ).exists()

    again = run_setup(tree)
    assert again.returncode == 0, again.stderr
    assert mcsp_help(tree).returncode == 0
    assert "nothing to do" in run_setup(tree).stdout


def test_told_to_end_it_says_how_to_go_on(tree: Path) -> None:
    process = started_setup(tree)
    read_until(process, "making .venv")
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert stderr.strip().splitlines() == [
        "setup: interrupted. Next: run `make setup` again; it goes on where it stopped."
    ]
