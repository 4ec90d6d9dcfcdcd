"""A stack of the benches' own: started from nothing, shared by the benches of one run, ended after them."""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.machine import ROOT
from deploy.handle import StackHandle, free_port_base


@dataclass(frozen=True)
class Stack:
    """A running stack, and how many seconds it took to be ready from nothing (None where it ran before)."""

    handle: StackHandle
    cold_start_s: float | None

    @property
    def api(self) -> str:
        """The API's address."""
        return self.handle.urls["api"]


@contextmanager
def running_stack() -> Iterator[Stack]:
    """Starts a stack with empty state and waits until it is ready; at the end nothing is left running.

    ``MCSP_BENCH_STACK=<home>`` measures on a stack that runs already and leaves it running.
    """
    if running := os.environ.get("MCSP_BENCH_STACK"):
        yield Stack(StackHandle.running_in(Path(running)), None)
        return
    home = Path(tempfile.mkdtemp(prefix="stack-", dir=ROOT / ".cache"))
    handle = StackHandle(home, free_port_base())
    try:
        began = time.monotonic()
        handle.up()
        yield Stack(handle, time.monotonic() - began)
    finally:
        handle.down()
        shutil.rmtree(home)
