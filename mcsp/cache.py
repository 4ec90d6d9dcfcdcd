"""Valkey: a cache every use of which has a fallback. Nothing lives here alone.

When Valkey does not answer, calls raise ``CacheDownError`` at once (a breaker keeps waiting away for a
second after each failure) and the caller goes to its fallback, which its docstring states. Keys that a
script touches share one ``{tag}``: one hash slot, so that a cluster serves as well.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import msgspec
import redis.asyncio as redis
import structlog
from prometheus_client import Counter
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisClusterException, RedisError

from mcsp.breaker import Breaker
from mcsp.errors import UnavailableError

log = structlog.get_logger()

CONNECT_TIMEOUT_S = 0.25
ANSWER_TIMEOUT_S = 0.5
OPEN_S = 1.0

FALLBACKS = Counter("mcsp_cache_fallback_total", "Calls that Valkey did not answer")

_AWAY = (RedisError, RedisClusterException, OSError)
"""What redis-py raises when nobody answers; a cluster's own error is no RedisError."""

T = TypeVar("T")


class CacheDownError(UnavailableError):
    """Valkey does not answer: take the fallback."""


class Cache:
    """One process's client. All methods raise CacheDownError when Valkey does not answer."""

    def __init__(self, url: str, *, name: str, cluster: bool = False) -> None:
        """``url`` is the server, or with ``cluster`` any node of a cluster, which names the others."""
        self._breaker = Breaker(OPEN_S)
        kind = RedisCluster if cluster else redis.Redis
        self._client: redis.Redis | RedisCluster = kind.from_url(
            url,
            client_name=name,
            socket_connect_timeout=CONNECT_TIMEOUT_S,
            socket_timeout=ANSWER_TIMEOUT_S,
            health_check_interval=0,
            max_connections=64,
            retry=Retry(NoBackoff(), 1),  # a connection that a restart broke is opened again once
        )

    async def get(self, key: str, shape: type[T]) -> T | None:
        """The value of a key as ``shape``, or None. A value of another shape counts as missing."""
        raw = await self._ask(lambda: self._client.get(key))
        if raw is None:
            return None
        try:
            return msgspec.json.decode(raw, type=shape)
        except msgspec.ValidationError as error:
            log.warning("cached value of another shape", key=key, error=str(error))
            return None

    async def put(self, key: str, value: Any, ttl_s: int, *, only_new: bool = False) -> None:
        """Keep a value for ``ttl_s`` seconds; with ``only_new`` leave what is there."""
        body = msgspec.json.encode(value)
        await self._ask(lambda: self._client.set(key, body, ex=ttl_s, nx=only_new))

    async def delete(self, key: str) -> None:
        """Forget a key."""
        await self._ask(lambda: self._client.delete(key))

    async def script(self, text: str, keys: Sequence[str], args: Sequence[str | int | float]) -> Any:
        """Run a Lua script on keys of one hash slot; gives what it returns."""
        run = self._client.register_script(text)
        return await self._ask(lambda: run(keys=list(keys), args=list(args)))

    async def check(self) -> None:
        """Readiness: a PING is answered."""
        try:
            await self._client.ping()
        except _AWAY as error:
            raise CacheDownError("cache_down", f"Valkey does not answer: {error}") from error

    async def close(self) -> None:
        """Give the connections back."""
        await self._client.aclose()

    async def _ask(self, call: Callable[[], Awaitable[Any]]) -> Any:
        if not self._breaker.lets_through():
            FALLBACKS.inc()
            raise CacheDownError("cache_down", "Valkey did not answer a moment ago.")
        try:
            answer = await call()
        except _AWAY as error:
            self._breaker.failed()
            FALLBACKS.inc()
            log.warning("cache down", error=f"{type(error).__name__}: {error}")
            raise CacheDownError("cache_down", f"Valkey does not answer: {error}") from error
        self._breaker.answered()
        return answer
