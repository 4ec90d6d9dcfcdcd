"""`python -m bench [NAME …]`: runs all benches, or those named; `--list` says which there are."""

import argparse
import asyncio
import inspect
import os
import sys
import time
from collections.abc import Awaitable
from contextlib import ExitStack
from pathlib import Path

from bench import results
from bench.machine import Machine, this_machine
from bench.registry import Bench, Row, Rows, all_benches
from bench.stack import Stack, running_stack


def main() -> int:
    """Exit status 0 when every bench ran, whatever the figures; 2 for a name that is not there."""
    known = all_benches()
    arguments = _parser().parse_args()
    if arguments.list:
        print("\n".join(f"{bench.name:<24} {bench.title}" for bench in known.values()))
        return 0
    unknown = sorted(set(arguments.names) - set(known))
    if unknown:
        print(f"bench: no bench is named {', '.join(unknown)}. Next: make bench ARGS=--list", file=sys.stderr)
        return 2
    chosen = [known[name] for name in arguments.names] or [b for b in known.values() if not b.only_by_name]
    _run_all(chosen, arguments.into)
    print(f"\nbench: written to {os.path.relpath(results.write_table(arguments.into))}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--list", action="store_true", help="only list the benches")
    parser.add_argument(
        "--into", type=Path, default=results.FOLDER, metavar="FOLDER", help="where results are written"
    )
    return parser


def _run_all(chosen: list[Bench], folder: Path) -> None:
    """Those without a stack first, so that nothing runs beside them; then those that want an unused one."""
    machine = this_machine()
    with ExitStack() as resources:
        stack: Stack | None = None
        for bench in sorted(chosen, key=lambda bench: (bench.needs_stack, not bench.unused)):
            if bench.needs_stack and stack is None:
                stack = resources.enter_context(running_stack())
            _run(bench, stack, machine, folder)


def _run(bench: Bench, stack: Stack | None, machine: Machine, folder: Path) -> None:
    print(f"\n{bench.title}", flush=True)
    began = time.monotonic()
    rows = _measure(bench, stack)
    results.write(folder, bench.name, bench.title, rows, time.monotonic() - began, machine)
    for row in rows:
        print(
            f"  {row.name:<56} {results.figure(row):>14}  {results.wanted(row)} {row.note}".rstrip(),
            flush=True,
        )


def _measure(bench: Bench, stack: Stack | None) -> list[Row]:
    answer = bench.measure(stack) if bench.needs_stack else bench.measure()
    if inspect.isawaitable(answer):
        answer = asyncio.run(_awaited(answer))
    return list(answer)


async def _awaited(answer: Awaitable[Rows]) -> Rows:
    return await answer


if __name__ == "__main__":
    sys.exit(main())
