"""``Idempotency-Key``: a write that is sent twice is done once and answered twice with the same answer.

The row stands in the owner's schema and is written in the transaction of the write itself:

    CREATE TABLE <schema>.idempotency (
        scope text NOT NULL, key text NOT NULL, request_sha256 bytea NOT NULL,
        status smallint, body bytea, created_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (scope, key));

Of two at once the second waits on the first one's row, then gets its answer. A write that failed leaves no
row: it may be tried again. Valkey only saves the database a question; without it nothing changes.
"""

import hashlib
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg
import msgspec
import structlog

from mcsp.cache import Cache, CacheDownError
from mcsp.database.pool import Connection
from mcsp.errors import ConflictError, InvalidInputError, UnavailableError

log = structlog.get_logger()

KEPT_S = 24 * 3600
CACHED_S = 600
WAIT_S = 10

_CLAIM = """
INSERT INTO {schema}.idempotency (scope, key, request_sha256) VALUES ($1, $2, $3)
ON CONFLICT (scope, key) DO NOTHING RETURNING true
"""
_FIND = "SELECT request_sha256, status, body FROM {schema}.idempotency WHERE scope = $1 AND key = $2"
_ANSWER = "UPDATE {schema}.idempotency SET status = $3, body = $4 WHERE scope = $1 AND key = $2"
_FORGET = "DELETE FROM {schema}.idempotency WHERE created_at < now() - make_interval(secs => $1)"

Work = Callable[[Connection], Awaitable["Answer"]]


class Answer(msgspec.Struct, frozen=True):
    """A finished write: HTTP status, JSON body as bytes, and whether it was answered from memory."""

    status: int
    body: bytes
    replayed: bool = False


class _Cached(msgspec.Struct, frozen=True):
    request_sha256: bytes
    status: int
    body: bytes


def answer_of(status: int, value: msgspec.Struct) -> Answer:
    """The answer that carries ``value`` as JSON."""
    return Answer(status, msgspec.json.encode(value))


def digest_of(operation: str, request: object, *, secret: bytes = b"") -> bytes:
    """Digest of an operation's name and its request as decoded (so that blanks do not matter).

    A request that holds a password needs a server's ``secret`` (HMAC-SHA256, RFC 2104): a plain SHA-256
    (what there is without one) of little else than a password lets whoever reads it try all passwords.
    """
    text = operation.encode() + b"\0" + msgspec.json.encode(request, order="sorted")
    return hmac.digest(secret, text, "sha256") if secret else hashlib.sha256(text).digest()


@dataclass(frozen=True)
class Idempotency:
    """The writes of one owner: its pool, its schema, and the cache."""

    pool: asyncpg.Pool
    schema: str
    cache: Cache

    async def run(self, work: Work, *, scope: str, key: str | None, digest: bytes) -> Answer:
        """Do ``work`` in a transaction, once per (scope, key); ``scope`` is the person's id.

        Without a key it is simply done. Raises ConflictError when the key was used for another request,
        InvalidInputError for a key that is no key, UnavailableError when the first one, or whoever else holds
        what the work needs, takes longer than ``WAIT_S``.
        """
        if key is None:
            async with self._transaction() as connection:
                return await work(connection)
        _check_key(key)
        if (known := await self._cached(scope, key, digest)) is not None:
            return known
        async with self._transaction() as connection:
            answer = await self._once(connection, work, scope, key, digest)
        await self._remember(scope, key, digest, answer)
        return answer

    async def known(self, *, scope: str, key: str | None, digest: bytes) -> Answer | None:
        """The answer that ``run`` would repeat, or None; for work that cannot stand in a transaction.

        Raises what ``run`` raises for the key. None is no promise: ``run`` decides.
        """
        if key is None:
            return None
        _check_key(key)
        if (cached := await self._cached(scope, key, digest)) is not None:
            return cached
        row = await self.pool.fetchrow(self._sql(_FIND), scope, key)
        return row and _replay(row["request_sha256"], row["status"], row["body"], digest)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Connection]:
        """A transaction in which nobody waits for a row longer than ``WAIT_S``: then UnavailableError."""
        async with self.pool.acquire() as connection:
            try:
                async with connection.transaction():
                    await connection.execute(f"SET LOCAL lock_timeout = '{WAIT_S}s'")
                    yield connection
            except asyncpg.LockNotAvailableError as error:
                raise UnavailableError(
                    "busy", "Another request is still at work on the same.",
                    action="Repeat it in a moment.",
                ) from error  # fmt: skip

    async def _once(self, connection: Connection, work: Work, scope: str, key: str, digest: bytes) -> Answer:
        """Claim the key and do the work, or give the answer of whoever claimed it first."""
        try:
            mine = await connection.fetchval(self._sql(_CLAIM), scope, key, digest)
        except asyncpg.LockNotAvailableError as error:
            raise UnavailableError(
                "first_still_running", "The first request with this key is still running.",
                action="Repeat it with the same key in a moment.",
            ) from error  # fmt: skip
        if not mine:
            row = await connection.fetchrow(self._sql(_FIND), scope, key)
            if row is None or row["status"] is None:
                # The first one ended without an answer between our two questions: nothing was done.
                raise UnavailableError(
                    "repeat", "The first request with this key did not finish.",
                    action="Repeat it with the same key.",
                )  # fmt: skip
            return _replay(row["request_sha256"], row["status"], row["body"], digest)
        answer = await work(connection)
        await connection.execute(self._sql(_ANSWER), scope, key, answer.status, answer.body)
        return answer

    async def _cached(self, scope: str, key: str, digest: bytes) -> Answer | None:
        """What Valkey remembers; fallback: the row in the database."""
        try:
            row = await self.cache.get(self._key(scope, key), _Cached)
        except CacheDownError:
            return None
        return None if row is None else _replay(row.request_sha256, row.status, row.body, digest)

    async def _remember(self, scope: str, key: str, digest: bytes, answer: Answer) -> None:
        """Let Valkey answer repeats; fallback: the database does."""
        try:
            cached = _Cached(digest, answer.status, answer.body)
            await self.cache.put(self._key(scope, key), cached, CACHED_S)
        except CacheDownError as error:
            log.info("answer not cached", error=error.code)

    def _key(self, scope: str, key: str) -> str:
        return f"idempotency:{self.schema}:{{{scope}}}:{key}"

    def _sql(self, text: str) -> str:
        return text.format(schema=self.schema)

    async def forget_old(self) -> int:
        """Delete rows older than a day; gives how many. A duty of the sweeper."""
        done = await self.pool.execute(self._sql(_FORGET), KEPT_S)
        return int(done.split()[-1])


def _check_key(key: str) -> None:
    if not (1 <= len(key) <= 200 and key.isascii() and key.isprintable()):
        raise InvalidInputError(
            "bad_idempotency_key", "Idempotency-Key must be 1 to 200 printable ASCII characters.",
            action="Send a UUID, for instance.",
        )  # fmt: skip


def _replay(known: bytes, status: int, body: bytes, digest: bytes) -> Answer:
    if known != digest:
        raise ConflictError(
            "idempotency_key_reused", "This Idempotency-Key was used for another request.",
            action="Use a fresh key for a different request.",
        )  # fmt: skip
    return Answer(status, body, replayed=True)
