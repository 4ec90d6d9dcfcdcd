"""Readiness: each dependency by name, whether it answers, and whether the process can do without it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import asyncpg
import msgspec
import structlog

log = structlog.get_logger()

TIMEOUT_S = 2.5
FRESH_S = 0.5


@dataclass(frozen=True)
class Check:
    """A dependency: ``run`` raises when it does not answer. ``required=False``: there is a fallback."""

    name: str
    run: Callable[[], Awaitable[object]]
    required: bool = True


class Dependency(msgspec.Struct, frozen=True):
    """The state of one dependency; ``error`` says what was seen when it is down."""

    state: str
    required: bool
    latency_ms: float
    error: str = ""


class Readiness(msgspec.Struct, frozen=True):
    """The body of ``/readyz``; ready while every required dependency answers."""

    ready: bool
    dependencies: dict[str, Dependency]


@dataclass
class Health:
    """Runs the checks side by side; an answer is good for ``FRESH_S``, so that probes cost little."""

    checks: Sequence[Check] = ()
    _last: Readiness | None = field(default=None, init=False)
    _at: float = field(default=0.0, init=False)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def readiness(self) -> Readiness:
        """Ask every dependency (at most ``TIMEOUT_S`` seconds each)."""
        async with self._lock:
            if self._last is None or time.monotonic() - self._at > FRESH_S:
                answers = await asyncio.gather(*(_ask(check) for check in self.checks))
                states = {check.name: answer for check, answer in zip(self.checks, answers, strict=True)}
                ready = all(s.state == "up" for s in states.values() if s.required)
                self._last, self._at = Readiness(ready, states), time.monotonic()
            return self._last


async def _ask(check: Check) -> Dependency:
    started, error = time.perf_counter(), ""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await check.run()
    except Exception as reason:  # whatever it is, it is the answer: this dependency is down
        error = f"{type(reason).__name__}: {reason}"[:300]
        log.warning("dependency down", dependency=check.name, error=error)
    latency_ms = round((time.perf_counter() - started) * 1000, 2)
    return Dependency("down" if error else "up", check.required, latency_ms, error)


def postgres_check(name: str, pool: asyncpg.Pool) -> Check:
    """The database answers over the pool."""
    return Check(name, lambda: pool.fetchval("SELECT 1", timeout=TIMEOUT_S))
