"""INT and TERM as one KeyboardInterrupt, for a command in the foreground that has something to end.

INT is asked for by name: a shell starts what it puts in the background with INT ignored, and Python leaves
it so. TERM too, so that `kill` ends as cleanly as Ctrl-C does.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupts:
    """Heeds both signals from now on, for the rest of the process."""

    def __init__(self) -> None:
        self._held = self._came = False
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._interrupt)

    @contextmanager
    def held(self) -> Iterator[None]:
        """An interrupt waits for the end of the block, so that what the block began is known by then.

        Unlike a blocked signal this is not inherited by the processes that the block starts.
        """
        self._held = True
        try:
            yield
        finally:
            self._held = False
        if self._came:
            raise KeyboardInterrupt

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        self._came = True
        if not self._held:
            raise KeyboardInterrupt
