"""Promises of ``python -m bench``: it says which benches there are, and writes what it measured."""

import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from bench.machine import ROOT, this_machine
from bench.results import Result
from deploy.handle import StackHandle


def _bench(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bench", *arguments],
        cwd=ROOT,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def _marked() -> set[str]:
    """What stands marked in the files, read as text."""
    pattern = re.compile(r"^@bench\(.*\n(?:async )?def (\w+)", re.MULTILINE)
    return {
        name for file in (ROOT / "bench").glob("bench_*.py") for name in pattern.findall(file.read_text())
    }


def test_the_list_names_every_bench_with_its_title() -> None:
    done = _bench("--list")
    assert (done.returncode, done.stderr) == (0, "")
    lines = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert lines.keys() == _marked()
    assert lines["upload"] == "Upload throughput"


def test_a_bench_that_is_not_there_is_named_and_nothing_is_measured(tmp_path: Path) -> None:
    done = _bench("upload", "no-such", "--into", str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert "no bench is named no-such" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.stack
def test_a_bench_writes_its_figures_as_json_and_as_a_table(stack: StackHandle, tmp_path: Path) -> None:
    began, folder = datetime.now(UTC).replace(microsecond=0), tmp_path / "results"
    done = _bench("stack", "--into", str(folder), MCSP_BENCH_STACK=str(stack.home))
    assert done.returncode == 0, done.stderr
    assert {file.name for file in folder.iterdir()} == {"stack.json", "README.md"}
    result = msgspec.json.decode((folder / "stack.json").read_bytes(), type=Result)
    assert (result.bench, result.title, result.machine.cores) == ("stack", "The stack", this_machine().cores)
    assert result.at >= began
    figures = {row.name: row for row in result.rows}
    total = figures.pop("idle memory, all services")
    assert total.unit == "MB"
    assert total.value == pytest.approx(sum(row.value for row in figures.values()))
    assert figures.keys() >= {f"idle memory, {name}" for name in ("postgres", "kafka", "api", "supervision")}
    assert all(row.value > 0 for row in figures.values())
    table = (folder / "README.md").read_text()
    assert "\n## The stack\n" in table
    assert all(f"| {name} |" in table for name in figures)
    assert "goal" in table
