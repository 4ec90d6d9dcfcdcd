"""Promises of registering and logging in."""

import asyncio
import base64
import hashlib
import statistics
import time

import httpx
import msgspec
import pytest
import redis.asyncio as redis

from mcsp.idempotency import Idempotency, digest_of
from mcsp.ids import uuid7
from mcsp.resources import Resources
from mcsp.settings import Settings
from streaming_api.identity.accounts import Accounts
from streaming_api.identity.passwords import Passwords
from streaming_api.identity.schemas import Register
from tests.streaming_api.identity.conftest import (
    PASSWORD,
    bearer,
    logged_in,
    new_email,
    refused,
    registered,
)


async def test_who_registers_may_log_in_and_is_known(client: httpx.AsyncClient) -> None:
    email = await registered(client)
    tokens = await logged_in(client, email)
    me = (await client.get("/v1/me", headers=bearer(tokens))).json()
    assert (me["email"], me["display_name"], me["confirmed"]) == (email, "Ann", False)
    assert tokens["expires_in"] == 600


async def test_an_address_is_one_account_however_it_is_written(client: httpx.AsyncClient) -> None:
    name = uuid7().hex
    await registered(client, f"{name}@example.org")
    body = {"email": f"  {name.upper()}@EXAMPLE.org ", "password": PASSWORD, "display_name": "B"}
    assert refused(await client.post("/v1/auth/register", json=body), 409, "email_taken")
    assert (await logged_in(client, f"{name.upper()}@Example.ORG"))["access_token"]


async def test_of_ten_registrations_of_one_address_at_once_one_succeeds(client: httpx.AsyncClient) -> None:
    body = {"email": new_email(), "password": PASSWORD, "display_name": "Ann"}
    answers = await asyncio.gather(*(client.post("/v1/auth/register", json=body) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9


class SlowPasswords(Passwords):
    """Real ones, behind a queue that does not move until ``mended`` is set."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.asked, self.mended = asyncio.Semaphore(0), asyncio.Event()

    async def hash(self, password: str) -> str:
        self.asked.release()
        await self.mended.wait()
        return await super().hash(password)


async def test_registrations_that_wait_for_their_hash_hold_no_connection(resources: Resources) -> None:
    pool, passwords = await resources.pool("identity"), SlowPasswords()
    accounts = Accounts(pool, passwords, Idempotency(pool, "identity", resources.cache), b"secret")
    async with asyncio.timeout(20):
        waiting = [
            asyncio.create_task(accounts.register(Register(new_email(), PASSWORD, "Ann"), None))
            for _ in range(pool.get_max_size() + 2)
        ]
        for _ in waiting:
            await passwords.asked.acquire()
        assert await pool.fetchval("SELECT 1") == 1
        passwords.mended.set()
        assert {answer.status for answer in await asyncio.gather(*waiting)} == {201}
    passwords.close()


async def test_one_key_registers_once_and_answers_alike(client: httpx.AsyncClient) -> None:
    body = {"email": new_email(), "password": PASSWORD, "display_name": "Ann"}
    headers = {"idempotency-key": uuid7().hex}
    answers = await asyncio.gather(
        *(client.post("/v1/auth/register", json=body, headers=headers) for _ in range(6))
    )
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["user_id"] for answer in answers}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 5


async def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(client: httpx.AsyncClient) -> None:
    wrong = {"email": await registered(client), "password": "not the password"}
    unknown = {"email": new_email(), "password": "not the password"}
    answers = [await client.post("/v1/auth/login", json=body) for body in (wrong, unknown)]
    assert all(refused(answer, 401, "bad_credentials") for answer in answers)
    first, second = ({**answer.json(), "request_id": ""} for answer in answers)
    assert first == second


async def test_an_unknown_address_costs_a_password_check_too(client: httpx.AsyncClient) -> None:
    """Ratios of one run, generous: without the dummy hash the unknown one would take a tenth."""
    email = await registered(client)

    async def median_of(address: str) -> float:
        spent = []
        for _ in range(7):
            started = time.perf_counter()
            await client.post("/v1/auth/login", json={"email": address, "password": "wrong wrong"})
            spent.append(time.perf_counter() - started)
        return statistics.median(spent)

    known, unknown = await median_of(email), await median_of(new_email())
    assert unknown > known / 3


@pytest.mark.parametrize("name", ["   ", "a\u200bb\u0007", "\u2028"])
async def test_a_display_name_must_be_visible(client: httpx.AsyncClient, name: str) -> None:
    body = {"email": new_email(), "password": PASSWORD, "display_name": name}
    assert refused(await client.post("/v1/auth/register", json=body), 400, "bad_display_name")


async def test_passwords_are_kept_as_argon2id_alone(
    client: httpx.AsyncClient, options: Settings, resources: Resources
) -> None:
    email, key = new_email(), uuid7().hex
    body = {"email": email, "password": PASSWORD, "display_name": "Ann"}
    answer = await client.post("/v1/auth/register", json=body, headers={"idempotency-key": key})
    assert answer.status_code == 201
    pool = await resources.pool("identity")
    row = await pool.fetchrow(
        "SELECT p.hash, to_jsonb(a)::text AS account FROM identity.account a JOIN identity.password p "
        "USING (user_id) WHERE email = $1",
        email,
    )
    assert row
    assert row["hash"].startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert PASSWORD not in row["account"]
    digest = await pool.fetchval("SELECT request_sha256 FROM identity.idempotency WHERE key = $1", key)
    assert digest not in _quick_digests(body)
    async with redis.Redis.from_url(options.valkey_url) as valkey:
        [cached] = [key async for key in valkey.scan_iter(f"idempotency:identity:*:{key}")]
        kept = msgspec.json.decode(await valkey.get(cached) or b"")
    assert base64.b64decode(kept["request_sha256"]) == digest


def _quick_digests(body: dict[str, str]) -> set[bytes]:
    """What a stranger could compute of each password to try: no secret in it, and a microsecond each."""
    request = Register(body["email"], body["password"], body["display_name"])
    texts = [PASSWORD.encode(), msgspec.json.encode(request), msgspec.json.encode(request, order="sorted")]
    return {digest_of("register", request), *(hashlib.sha256(text).digest() for text in texts)}


async def test_one_key_with_another_password_is_no_repeat(client: httpx.AsyncClient) -> None:
    body = {"email": new_email(), "password": PASSWORD, "display_name": "Ann"}
    headers = {"idempotency-key": uuid7().hex}
    assert (await client.post("/v1/auth/register", json=body, headers=headers)).status_code == 201
    other = await client.post("/v1/auth/register", json=body | {"password": "another one"}, headers=headers)
    assert refused(other, 409, "idempotency_key_reused")
