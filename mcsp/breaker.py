"""A circuit breaker: keeps callers from waiting for somebody who did not answer a moment ago.

What does not belong here: what a caller does instead; each states its own fallback.
"""

import time
from collections.abc import Callable


class Breaker:
    """Opens after ``failures`` in a row; then one caller tries every ``open_s`` seconds, no other does."""

    def __init__(
        self, open_s: float, *, failures: int = 1, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._open_s, self._allowed, self._clock = open_s, failures, clock
        self._failed, self._rests_until = 0, float("-inf")

    def lets_through(self) -> bool:
        """Whether to ask now. While open one caller in ``open_s`` seconds may: that call is the trial."""
        if self._failed < self._allowed:
            return True
        if self._clock() < self._rests_until:
            return False
        self._rests_until = self._clock() + self._open_s
        return True

    def answered(self) -> None:
        """There was an answer: everybody may ask."""
        self._failed = 0

    def failed(self) -> None:
        """There was none."""
        self._failed += 1
        self._rests_until = self._clock() + self._open_s
