"""Promises of sessions: rotation, reuse, races, logout; with and without Valkey."""

import asyncio

import httpx
import pytest

from deploy.handle import StackHandle
from mcsp.settings import Settings
from tests.streaming_api.api import ApiProcess
from tests.streaming_api.identity.conftest import bearer, logged_in, refused

FALLBACKS = "mcsp_cache_fallback_total"


async def renew(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post("/v1/auth/refresh", json={"refresh_token": token})


async def test_a_refresh_token_is_good_once_and_leads_on(client: httpx.AsyncClient) -> None:
    token = (await logged_in(client))["refresh_token"]
    for _ in range(3):
        answer = await renew(client, token)
        assert answer.status_code == 200
        assert answer.json()["refresh_token"] != token
        assert (await client.get("/v1/me", headers=bearer(answer.json()))).status_code == 200
        token = answer.json()["refresh_token"]


async def test_a_used_token_that_comes_again_ends_the_whole_session(client: httpx.AsyncClient) -> None:
    stolen = await logged_in(client)
    newest = (await renew(client, stolen["refresh_token"])).json()
    assert (await client.get("/v1/me", headers=bearer(newest))).status_code == 200
    assert refused(await renew(client, stolen["refresh_token"]), 401, "bad_refresh_token")
    assert refused(await renew(client, newest["refresh_token"]), 401, "bad_refresh_token")
    assert refused(await client.get("/v1/me", headers=bearer(newest)), 401, "session_ended")


async def test_a_reuse_ends_no_other_session_of_the_person(client: httpx.AsyncClient) -> None:
    phone = await logged_in(client)
    email = (await client.get("/v1/me", headers=bearer(phone))).json()["email"]
    laptop = await logged_in(client, email)
    await renew(client, phone["refresh_token"])
    await renew(client, phone["refresh_token"])
    assert (await renew(client, laptop["refresh_token"])).status_code == 200


async def test_of_ten_at_once_with_one_token_at_most_one_gets_through(client: httpx.AsyncClient) -> None:
    token = (await logged_in(client))["refresh_token"]
    answers = await asyncio.gather(*(renew(client, token) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 9
    [winner] = [answer.json() for answer in answers if answer.status_code == 200]
    assert (await renew(client, winner["refresh_token"])).status_code == 401


@pytest.mark.parametrize("by", ["access token", "refresh token"])
async def test_a_logout_ends_the_session_at_once(client: httpx.AsyncClient, by: str) -> None:
    tokens = await logged_in(client)
    assert (await client.get("/v1/me", headers=bearer(tokens))).status_code == 200
    if by == "access token":
        answer = await client.post("/v1/auth/logout", headers=bearer(tokens))
    else:
        answer = await client.post("/v1/auth/logout", json={"refresh_token": tokens["refresh_token"]})
    assert answer.status_code == 204
    assert refused(await client.get("/v1/me", headers=bearer(tokens)), 401, "session_ended")
    assert refused(await renew(client, tokens["refresh_token"]), 401, "bad_refresh_token")


async def test_logging_out_twice_is_no_error(client: httpx.AsyncClient) -> None:
    tokens = await logged_in(client)
    answers = [await client.post("/v1/auth/logout", headers=bearer(tokens)) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [204, 204]


async def test_logging_out_as_nobody_is_refused(client: httpx.AsyncClient) -> None:
    assert refused(await client.post("/v1/auth/logout"), 401, "not_logged_in")


async def test_anothers_refresh_token_with_my_access_token_is_still_anothers(
    client: httpx.AsyncClient,
) -> None:
    mine, theirs = await logged_in(client), await logged_in(client)
    body = {"refresh_token": theirs["refresh_token"]}
    answer = await client.post("/v1/auth/refresh", json=body, headers=bearer(mine))
    renewed = await client.get("/v1/me", headers=bearer(answer.json()))
    known = await client.get("/v1/me", headers=bearer(theirs))
    assert renewed.json()["user_id"] == known.json()["user_id"]
    assert (await renew(client, mine["refresh_token"])).status_code == 200


@pytest.mark.parametrize(
    "token", ["x", "rt_", "rt_" + "A" * 43, "rt_" + "A" * 44, "rt_" + "é" * 43, "rt_" + "?" * 43, "A" * 200]
)
async def test_a_token_that_is_none_is_refused(client: httpx.AsyncClient, token: str) -> None:
    assert refused(await renew(client, token), 401, "bad_refresh_token")


async def test_an_expired_refresh_token_is_refused(client: httpx.AsyncClient, options: Settings) -> None:
    import asyncpg

    tokens = await logged_in(client)
    me = (await client.get("/v1/me", headers=bearer(tokens))).json()
    connection = await asyncpg.connect(options.dsn_of("identity"))
    await connection.execute(
        "UPDATE identity.refresh_token SET expires_at = now() - interval '1 second' WHERE session_id IN "
        "(SELECT session_id FROM identity.session WHERE user_id = $1)",
        me["user_id"],
    )
    await connection.close()
    assert refused(await renew(client, tokens["refresh_token"]), 401, "bad_refresh_token")


@pytest.mark.fault
async def test_with_valkey_held_down_everything_goes_on_from_the_database(
    client: httpx.AsyncClient, api: ApiProcess, stack: StackHandle
) -> None:
    before, fallbacks = await logged_in(client), api.metric(FALLBACKS)
    with stack.held_down("valkey"):
        assert (await client.get("/v1/me", headers=bearer(before))).status_code == 200
        assert api.metric(FALLBACKS) > fallbacks, "the session was read without Valkey"
        during = await logged_in(client)
        assert (await renew(client, before["refresh_token"])).status_code == 200
        fallbacks = api.metric(FALLBACKS)
        assert (await client.post("/v1/auth/logout", headers=bearer(during))).status_code == 204
        assert api.metric(FALLBACKS) > fallbacks, "the session was ended without Valkey"
        assert refused(await client.get("/v1/me", headers=bearer(during)), 401, "session_ended")
        ready = (await client.get("/readyz")).json()
        assert ready["dependencies"]["valkey"]["state"] == "down"
    assert refused(await client.get("/v1/me", headers=bearer(during)), 401, "session_ended")
