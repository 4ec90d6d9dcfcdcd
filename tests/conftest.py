"""Fixtures for all rooms: the real local stack, started once a session.

``MCSP_TEST_STACK=<home>`` uses a stack that runs already (and leaves it running): quick loops by hand.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.handle import StackHandle, free_port_base


@pytest.fixture(scope="session")
def stack() -> Iterator[StackHandle]:
    """A stack that is up and healthy. Afterwards it is ended, and nothing of it may be left running."""
    if running := os.environ.get("MCSP_TEST_STACK"):
        yield StackHandle.running_in(Path(running))
        return
    home = Path(tempfile.mkdtemp(prefix="mcsp-test-"))
    handle = StackHandle(home, free_port_base())
    try:
        handle.up()
        yield handle
    finally:
        handle.down()
    assert not handle.left_running()
    shutil.rmtree(home)
