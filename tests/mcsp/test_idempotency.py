"""Promises of ``Idempotency-Key``, on the real PostgreSQL and Valkey."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable

import asyncpg
import msgspec
import pytest

from mcsp import idempotency
from mcsp.cache import Cache
from mcsp.database.pool import Connection
from mcsp.errors import ConflictError, InvalidInputError, UnavailableError
from mcsp.idempotency import Answer, Idempotency, answer_of, digest_of
from mcsp.ids import uuid7
from mcsp.resources import Resources

TABLES = """
CREATE TABLE scratch.idempotency (
    scope text NOT NULL, key text NOT NULL, request_sha256 bytea NOT NULL,
    status smallint, body bytea, created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (scope, key));
CREATE TABLE scratch.thing (name text NOT NULL);
"""


class Made(msgspec.Struct, frozen=True):
    number: int


@pytest.fixture(params=["valkey", "no valkey"])
async def writes(request: pytest.FixtureRequest, scratch: asyncpg.Pool, resources: Resources) -> Idempotency:
    await scratch.execute(TABLES)
    away = Cache("redis://127.0.0.1:9/0", name="tests")
    return Idempotency(scratch, "scratch", resources.cache if request.param == "valkey" else away)


def making(name: str, numbers: "itertools.count[int]") -> Callable[[Connection], Awaitable[Answer]]:
    """A write that takes a moment, and whose answers differ each time it is really done."""

    async def work(connection: Connection) -> Answer:
        await connection.execute("INSERT INTO scratch.thing VALUES ($1)", name)
        await connection.execute("SELECT pg_sleep(0.05)")
        return answer_of(201, Made(next(numbers)))

    return work


async def things(pool: asyncpg.Pool) -> int:
    return await pool.fetchval("SELECT count(*) FROM scratch.thing")


async def test_ten_at_once_are_done_once_and_answered_alike(writes: Idempotency) -> None:
    work, scope = making("a", itertools.count()), str(uuid7())
    answers = await asyncio.gather(
        *(writes.run(work, scope=scope, key="k", digest=digest_of("make", "a")) for _ in range(10))
    )
    assert {answer.body for answer in answers} == {b'{"number":0}'}
    assert sum(not answer.replayed for answer in answers) == 1
    assert await things(writes.pool) == 1


async def test_a_repeat_later_gets_the_first_answer(writes: Idempotency) -> None:
    work, scope, digest = making("a", itertools.count()), str(uuid7()), digest_of("make", "a")
    first = await writes.run(work, scope=scope, key="k", digest=digest)
    again = await writes.run(work, scope=scope, key="k", digest=digest)
    assert (again.status, again.body, again.replayed) == (first.status, first.body, True)
    assert await things(writes.pool) == 1


async def test_the_same_key_for_another_request_is_a_conflict(writes: Idempotency) -> None:
    work, scope = making("a", itertools.count()), str(uuid7())
    await writes.run(work, scope=scope, key="k", digest=digest_of("make", "a"))
    with pytest.raises(ConflictError) as refused:
        await writes.run(work, scope=scope, key="k", digest=digest_of("make", "b"))
    assert refused.value.code == "idempotency_key_reused"
    assert await things(writes.pool) == 1


async def test_one_persons_key_is_not_anothers(writes: Idempotency) -> None:
    work, digest = making("a", itertools.count()), digest_of("make", "a")
    answers = [await writes.run(work, scope=str(uuid7()), key="k", digest=digest) for _ in range(2)]
    assert [answer.body for answer in answers] == [b'{"number":0}', b'{"number":1}']


async def test_a_failed_write_leaves_nothing_and_may_be_repeated(writes: Idempotency) -> None:
    scope, digest = str(uuid7()), digest_of("make", "a")

    async def failing(connection: Connection) -> Answer:
        await connection.execute("INSERT INTO scratch.thing VALUES ('half')")
        raise ConflictError("not_now", "not now")

    with pytest.raises(ConflictError, match="not_now"):
        await writes.run(failing, scope=scope, key="k", digest=digest)
    assert await things(writes.pool) == 0
    answer = await writes.run(making("a", itertools.count()), scope=scope, key="k", digest=digest)
    assert not answer.replayed


async def test_when_the_first_fails_the_waiting_second_does_the_work(writes: Idempotency) -> None:
    scope, digest, begun = str(uuid7()), digest_of("make", "a"), asyncio.Event()

    async def failing(connection: Connection) -> Answer:
        begun.set()
        await connection.execute("SELECT pg_sleep(0.2)")
        raise ConflictError("not_now", "not now")

    first = asyncio.create_task(writes.run(failing, scope=scope, key="k", digest=digest))
    await begun.wait()
    second = await writes.run(making("a", itertools.count()), scope=scope, key="k", digest=digest)
    with pytest.raises(ConflictError, match="not_now"):
        await first
    assert second.body == b'{"number":0}'
    assert await things(writes.pool) == 1


@pytest.mark.parametrize("key", [None, "k"])
async def test_who_waits_too_long_for_a_row_is_told_to_repeat(
    writes: Idempotency, monkeypatch: pytest.MonkeyPatch, key: str | None
) -> None:
    monkeypatch.setattr(idempotency, "WAIT_S", 0.2)
    async with writes.pool.acquire() as holding, holding.transaction():
        await holding.execute("LOCK TABLE scratch.thing")
        with pytest.raises(UnavailableError, match="busy"):
            await writes.run(making("a", itertools.count()), scope=str(uuid7()), key=key, digest=b"")
    assert await things(writes.pool) == 0


async def test_a_first_answer_is_known_without_doing_anything(writes: Idempotency) -> None:
    scope, digest = str(uuid7()), digest_of("make", "a")
    assert await writes.known(scope=scope, key="k", digest=digest) is None
    first = await writes.run(making("a", itertools.count()), scope=scope, key="k", digest=digest)
    known = await writes.known(scope=scope, key="k", digest=digest)
    assert known
    assert (known.status, known.body, known.replayed) == (first.status, first.body, True)
    with pytest.raises(ConflictError):
        await writes.known(scope=scope, key="k", digest=digest_of("make", "b"))


@pytest.mark.parametrize("key", ["", "x" * 201, "a\nb", "ü"])
async def test_a_key_that_is_no_key_is_refused(writes: Idempotency, key: str) -> None:
    with pytest.raises(InvalidInputError):
        await writes.run(making("a", itertools.count()), scope="s", key=key, digest=b"")


async def test_answers_older_than_a_day_are_forgotten(writes: Idempotency) -> None:
    work, digest = making("a", itertools.count()), digest_of("make", "a")
    old, new = str(uuid7()), str(uuid7())
    await writes.run(work, scope=old, key="k", digest=digest)
    await writes.run(work, scope=new, key="k", digest=digest)
    day_ago = "UPDATE scratch.idempotency SET created_at = now() - interval '25 hours' WHERE scope = $1"
    await writes.pool.execute(day_ago, old)
    assert await writes.forget_old() == 1
    assert await writes.pool.fetchval("SELECT scope FROM scratch.idempotency") == new
