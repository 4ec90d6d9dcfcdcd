"""Which process runs on which core, so that a server's figure is not its client's."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import psutil


@contextmanager
def apart(*servers: int) -> Iterator[None]:
    """Binds servers' processes to the first core and this one to the others."""
    cores = sorted(os.sched_getaffinity(0))
    threads = [thread.id for server in servers for thread in psutil.Process(server).threads()]
    try:
        for thread in threads:
            os.sched_setaffinity(thread, cores[:1])
        os.sched_setaffinity(0, cores[1:] or cores)
        yield
    finally:
        for thread in threads:
            os.sched_setaffinity(thread, cores)
        os.sched_setaffinity(0, cores)
