"""A stack of the benches' own: started from nothing, shared by the benches of one run, ended after them."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.machine import ROOT

DEFAULT_PORT_BASE = 18000


@dataclass(frozen=True)
class Stack:
    """A running stack: its state, its ports, its addresses, and how long it took to be ready from nothing."""

    home: Path
    port_base: int
    endpoints: dict[str, str]
    cold_start_s: float

    def environment(self) -> dict[str, str]:
        """The environment for a process that should use this stack."""
        return {**os.environ, "MCSP_HOME": str(self.home), "MCSP_PORT_BASE": str(self.port_base)}

    def status(self) -> dict[str, Any]:
        """What `mcsp status --json` says now."""
        return json.loads(_mcsp(self.environment(), "status", "--json"))


@contextmanager
def running_stack() -> Iterator[Stack]:
    """Starts a stack with empty state and waits until it is ready; at the end nothing is left running."""
    home = ROOT / ".cache" / "bench-home"
    base = int(os.environ.get("MCSP_PORT_BASE", DEFAULT_PORT_BASE))
    environment = {**os.environ, "MCSP_HOME": str(home), "MCSP_PORT_BASE": str(base)}
    shutil.rmtree(home, ignore_errors=True)
    began = time.monotonic()
    try:
        _mcsp(environment, "up", "--wait")
        took = time.monotonic() - began
        endpoints = json.loads(_mcsp(environment, "status", "--json"))["endpoints"]
        yield Stack(home, base, endpoints, took)
    finally:
        _mcsp(environment, "down")
        shutil.rmtree(home, ignore_errors=True)


def _mcsp(environment: dict[str, str], *arguments: str) -> str:
    command = [str(ROOT / ".venv" / "bin" / "mcsp"), *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 -- our own command
    if done.returncode != 0:
        raise RuntimeError(f"mcsp {' '.join(arguments)} failed: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
