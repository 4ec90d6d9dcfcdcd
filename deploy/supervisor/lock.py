"""The lock that says a stack is supervised. The kernel drops it with its holder, so it is never stale."""

import fcntl
import os
from pathlib import Path


def acquire(path: Path) -> int | None:
    """Take the lock; gives the descriptor that holds it (children that inherit it hold it too), or None."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def is_held(path: Path) -> bool:
    """Whether a supervisor holds the lock now."""
    if not path.exists():
        return False
    descriptor = acquire(path)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False
