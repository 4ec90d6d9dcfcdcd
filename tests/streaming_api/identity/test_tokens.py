"""Abuse of access tokens: each wrong one is 401 everywhere, also where none is needed."""

import base64
import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

from mcsp.ids import uuid7
from mcsp.settings import Settings
from tests.streaming_api.identity.conftest import bearer, logged_in, refused

ROUTES = ["/v1/me", "/v1/auth/jwks.json", "/v1/feed", "/schema", "/v1/nothing-here"]


KIDS = ["[1]", "{}", "null", "1", "true", '{"a":[1]}', '""']


def unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    parts = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (header, claims))
    return b".".join([*parts, b""]).decode()


def with_header(text: str) -> str:
    """A token whose header is ``text``, whatever that is."""
    header = base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()
    return f"{header}.{unsigned({}, claims()).split('.')[1]}.c2ln"


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    good = {"iss": "mcsp-identity", "aud": "mcsp", "sub": str(uuid7()), "sid": str(uuid7()), "exp": now + 600}
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def own_key(options: Settings) -> OKPKey:
    """The identity service's real key: what a bug or an insider could sign with."""
    assert options.identity_key_file
    key = OKPKey.import_key(Path(options.identity_key_file).read_bytes(), {"use": "sig", "alg": "EdDSA"})
    key.ensure_kid()
    return key


def signed(key: Any, body: dict[str, Any], **header: str) -> str:
    algorithm = header.setdefault("alg", "EdDSA")
    return jwt.encode({"typ": "at+jwt", "kid": key.kid, **header}, body, key, algorithms=[algorithm])


@pytest.fixture
def wrong_tokens(options: Settings) -> dict[str, str]:
    key, strange = own_key(options), OKPKey.generate_key("Ed25519", private=True, auto_kid=True)
    public_as_secret = OctKey.import_key(json.dumps(key.as_dict(private=False)))
    public_as_secret.ensure_kid()
    return {
        "no signature": unsigned({"alg": "none", "typ": "at+jwt"}, claims()),
        "no signature, our key id": unsigned(
            {"alg": "none", "typ": "at+jwt", "kid": key.kid or ""}, claims()
        ),
        "the public key as a shared secret": signed(
            public_as_secret, claims(), alg="HS256", kid=key.kid or ""
        ),
        "another's key": signed(strange, claims()),
        "another's key under our key id": signed(strange, claims(), kid=key.kid or ""),
        "another issuer": signed(key, claims(iss="someone")),
        "another audience": signed(key, claims(aud="elsewhere")),
        "no subject": signed(key, claims(sub=None)),
        "a subject that is no id": signed(key, claims(sub="root")),
        "no end": signed(key, claims(exp=None)),
        "expired": signed(key, claims(exp=int(time.time()) - 60)),
        "not yet": signed(key, claims(nbf=int(time.time()) + 600)),
        "another type of token": signed(key, claims(), typ="JWT"),
        "no token": "hello",
        "three dots": "a.b.c",
        "huge": "a" * 5000,
        "a header without key id": with_header('{"alg":"EdDSA","typ":"at+jwt"}'),
        "a header that is a list": with_header("[]"),
        "a header that nests deep": with_header("[" * 1400),
        "a member that nests deep": with_header(f'{{"kid":"{key.kid}","x":' + "[" * 1000 + "]" * 400),
        "a member that nests deep and ends": with_header(
            f'{{"alg":"EdDSA","typ":"at+jwt","kid":"{key.kid}","x":' + "[" * 600 + "]" * 600 + "}"
        ),
        **{f"a key id {kid}": with_header(f'{{"alg":"EdDSA","typ":"at+jwt","kid":{kid}}}') for kid in KIDS},
        **{
            f"an algorithm {alg}": with_header(f'{{"alg":{alg},"typ":"at+jwt","kid":"{key.kid}"}}')
            for alg in ("[1]", "{}", "null", "1", '"RS256"', '"none"')
        },
        "a critical extension": with_header(
            f'{{"alg":"EdDSA","typ":"at+jwt","kid":"{key.kid}","crit":[{{}}]}}'
        ),
    }


@pytest.mark.parametrize("route", ROUTES)
async def test_a_wrong_token_is_401_wherever_it_is_sent(
    client: httpx.AsyncClient, wrong_tokens: dict[str, str], route: str
) -> None:
    for what, token in wrong_tokens.items():
        answer = await client.get(route, headers={"authorization": f"Bearer {token}"})
        code = "token_expired" if what == "expired" else "bad_token"
        assert refused(answer, 401, code), what
        assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"', what


@pytest.mark.parametrize("value", ["Basic YTpi", "Bearer", "x", ""])
async def test_another_scheme_or_no_token_is_401(client: httpx.AsyncClient, value: str) -> None:
    answer = await client.get("/v1/auth/jwks.json", headers={"authorization": value})
    assert refused(answer, 401, "bad_token")


async def test_a_token_changed_by_one_character_is_401(client: httpx.AsyncClient) -> None:
    token = (await logged_in(client))["access_token"]
    at = token.index(".") + 10
    changed = token[:at] + ("A" if token[at] != "A" else "B") + token[at + 1 :]
    assert refused(
        await client.get("/v1/me", headers={"authorization": f"Bearer {changed}"}), 401, "bad_token"
    )


async def test_the_published_key_checks_a_real_token_and_holds_no_secret(client: httpx.AsyncClient) -> None:
    tokens = await logged_in(client)
    [key] = (await client.get("/v1/auth/jwks.json")).json()["keys"]
    assert "d" not in key
    decoded = jwt.decode(tokens["access_token"], OKPKey.import_key(key), algorithms=["EdDSA"])
    me = (await client.get("/v1/me", headers=bearer(tokens))).json()
    assert decoded.claims["sub"] == me["user_id"]
    assert decoded.claims["exp"] - decoded.claims["iat"] == 600
