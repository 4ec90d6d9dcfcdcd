"""The background process of ``mcsp up``: a guard that starts the supervisor again should it be killed.

Run as ``python -m deploy.supervisor.daemon`` with the lock's descriptor in ``MCSP_LOCK_FD``; settings come
from the environment. What does not belong here: starting or stopping it (``deploy.control``).
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from types import FrameType

from deploy.supervisor.backoff import Backoff

LOCK_VARIABLE = "MCSP_LOCK_FD"


class Guard:
    """Keeps ``command`` running until it ends by itself with 0; TERM and INT are handed on to it."""

    def __init__(self, command: tuple[str, ...], environment: Mapping[str, str], lock: int) -> None:
        self._command, self._environment, self._lock = command, dict(environment), lock
        self._current: subprocess.Popen[bytes] | None = None
        self._stopping = False

    def run(self) -> None:
        backoff = Backoff()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._hand_on)
        while not self._stopping:
            self._current = subprocess.Popen(  # noqa: S603 -- our own command
                self._command, env=self._environment, pass_fds=(self._lock,)
            )
            if self._stopping:  # the signal came before there was anybody to hand it on to
                self._current.send_signal(signal.SIGTERM)
            backoff.healthy()
            if self._current.wait() == 0 or self._stopping:
                return
            time.sleep(backoff.next_wait_s())

    def _hand_on(self, number: int, _frame: FrameType | None) -> None:
        self._stopping = True
        if self._current is not None and self._current.returncode is None:
            self._current.send_signal(number)


if __name__ == "__main__":
    fd = int(os.environ[LOCK_VARIABLE])
    Guard((sys.executable, "-m", "deploy.supervise"), os.environ, fd).run()
