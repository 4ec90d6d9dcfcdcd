"""Writes what was measured: a JSON file a bench, and one table of them all for people."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bench.machine import Machine
from bench.registry import Row

FOLDER = Path(__file__).parent / "results"

INTRODUCTION = """# Figures

Written by `make bench`; each row comes from the newest run of its bench, on the machine named with it.
A goal is what the design asks for. Ratios compare two things measured in the same run.
"""


class Result(msgspec.Struct, frozen=True):
    """The rows of one run of one bench, and where and when it ran."""

    bench: str
    title: str
    at: datetime
    seconds: float
    machine: Machine
    rows: tuple[Row, ...]


def write(
    folder: Path, name: str, title: str, rows: Iterable[Row], seconds: float, machine: Machine
) -> Result:
    """Keeps one bench's rows as ``NAME.json`` in a folder, made where it is missing."""
    result = Result(
        name, title, datetime.now(UTC).replace(microsecond=0), round(seconds, 1), machine, tuple(rows)
    )
    folder.mkdir(parents=True, exist_ok=True)
    text = msgspec.json.format(msgspec.json.encode(result), indent=2)
    (folder / f"{name}.json").write_bytes(text + b"\n")
    return result


def write_table(folder: Path) -> Path:
    """Makes the table ``README.md`` out of every result that the folder has."""
    results = [msgspec.json.decode(file.read_bytes(), type=Result) for file in sorted(folder.glob("*.json"))]
    target = folder / "README.md"
    target.write_text(INTRODUCTION + "".join(section(result) for result in results))
    return target


def section(result: Result) -> str:
    """One bench as a Markdown table."""
    head = f"\n## {result.title}\n\n{result.at:%Y-%m-%d %H:%M} UTC · {result.machine.line()}\n\n"
    rows = "".join(f"| {row.name} | {figure(row)} | {wanted(row)} | {row.note} |\n" for row in result.rows)
    return f"{head}| figure | value | goal | |\n|---|---:|---|---|\n{rows}"


def figure(row: Row) -> str:
    """The value with its unit, in as many digits as mean something."""
    digits = 0 if abs(row.value) >= 100 else 1 if abs(row.value) >= 10 else 2
    unit = "" if row.unit == "ratio" else f" {row.unit}"
    return f"{row.value:,.{digits}f}{unit}"


def wanted(row: Row) -> str:
    """The goal and whether it was met."""
    if row.goal is None:
        return ""
    return f"{row.goal.kind} {row.goal.bound:g}: {'met' if row.goal.met_by(row.value) else '**missed**'}"
