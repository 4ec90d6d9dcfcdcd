"""How long to wait before the next start: doubling, at most 5 s, from the beginning after 10 s of health."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

FIRST_S, LONGEST_S, HEALTHY_FOR_S = 0.1, 5.0, 10.0


@dataclass
class Backoff:
    """The waits of one service. It never says "give up"."""

    clock: Callable[[], float] = time.monotonic
    failures: int = 0
    _healthy_since: float | None = field(default=None, repr=False)

    def healthy(self) -> None:
        """The service is healthy now; called at each good probe."""
        if self._healthy_since is None:
            self._healthy_since = self.clock()

    def next_wait_s(self) -> float:
        """The service ended or did not start: seconds until it is started again."""
        if self._healthy_since is not None and self.clock() - self._healthy_since >= HEALTHY_FOR_S:
            self.failures = 0
        self._healthy_since = None
        wait = min(FIRST_S * 2.0 ** min(self.failures, 10), LONGEST_S)
        self.failures += 1
        return wait
