"""Rate limits: at most N requests in any minute by key, counted exactly by one Redis script.

Fallback when Valkey is down: the same limit by the process's own memory (so N per process, not per cluster).
"""

import ipaddress
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from litestar import Request

from mcsp.cache import Cache, CacheDownError
from mcsp.errors import RateLimitedError
from mcsp.ids import uuid7

WINDOW_S = 60
_ADDRESSES_IN_MEMORY = 50_000

# A sorted set of the requests of the last minute; answers 0, or the seconds until the oldest leaves.
_SCRIPT = """
local now = redis.call('TIME')
local at = now[1] + now[2] / 1000000
redis.call('ZREMRANGEBYSCORE', KEYS[1], 0, at - ARGV[2])
if redis.call('ZCARD', KEYS[1]) < tonumber(ARGV[1]) then
    redis.call('ZADD', KEYS[1], at, ARGV[3])
    redis.call('EXPIRE', KEYS[1], ARGV[2])
    return 0
end
local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
return math.max(1, math.ceil(oldest[2] + ARGV[2] - at))
"""


class RateLimit:
    """``limit`` requests a minute by key, for the action ``name``."""

    def __init__(
        self, cache: Cache, name: str, limit: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._cache, self._name, self._limit, self._clock = cache, name, limit, clock
        self._memory: dict[str, deque[float]] = {}

    async def take(self, key: str) -> None:
        """Count one request. Raises RateLimitedError when there were too many."""
        wait = self._reserve(key)
        if not wait:
            try:
                keys = [f"rate:{self._name}:{{{key}}}"]
                wait = int(await self._cache.script(_SCRIPT, keys, [self._limit, WINDOW_S, uuid7().hex]))
            except CacheDownError:
                return  # reserved in memory: that is the fallback
            if wait:
                self._give_back(key)
        if wait:
            raise RateLimitedError(
                "too_many_requests", f"At most {self._limit} such requests a minute are allowed.",
                action=f"Try again in {wait} s.", retry_after_s=wait,
            )  # fmt: skip

    def _give_back(self, key: str) -> None:
        if seen := self._memory.get(key):
            seen.pop()

    def _reserve(self, key: str) -> int:
        """Count in memory, which keeps the limit while Valkey comes and goes; gives the seconds to wait."""
        now = self._clock()
        while len(self._memory) >= _ADDRESSES_IN_MEMORY and key not in self._memory:
            self._memory.pop(next(iter(self._memory)))
        seen = self._memory.setdefault(key, deque())
        while seen and seen[0] <= now - WINDOW_S:
            seen.popleft()
        if len(seen) >= self._limit:
            return max(1, int(seen[0] + WINDOW_S - now) + 1)
        seen.append(now)
        return 0


def address_of(request: Request[Any, Any, Any]) -> str:
    """The client's address; of IPv6 the /64, which one customer has to himself."""
    client = request.scope.get("client")
    host = client[0] if client else "unknown"
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False).network_address)
