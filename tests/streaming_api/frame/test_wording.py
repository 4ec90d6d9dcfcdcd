"""A request that does not fit is answered in sentences that name the field as the client sent it."""

from collections.abc import Iterator
from typing import Annotated

import pytest
from litestar import Litestar, get, post
from litestar.params import JSONBody, QueryParameter
from litestar.testing import TestClient, create_test_client
from litestar.types import HTTPRequestEvent

from mcsp.errors import InvalidInputError
from streaming_api.frame.bodies import read_body
from streaming_api.frame.problems import HANDLERS
from streaming_api.identity.schemas import Register

GOOD = {"email": "a@example.org", "password": "long enough", "display_name": "A"}


@post("/accounts", sync_to_thread=False)
def make(data: JSONBody[Register]) -> None: ...


@get("/parts", sync_to_thread=False)
def parts(first: Annotated[int, QueryParameter(name="from", ge=1, le=50)] = 1) -> int:
    return first


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient[Litestar]]:
    with create_test_client([make, parts], exception_handlers=HANDLERS) as client:
        yield client


@pytest.mark.parametrize(
    ("change", "sentence"),
    [({"password": "short"}, "“password” needs at least 8 characters."),
     ({"display_name": "x" * 81}, "“display_name” may have at most 80 characters."),
     ({"display_name": ""}, "“display_name” needs at least 1 character."),
     ({"email": 5}, "“email” has to be text.")],
)  # fmt: skip
def test_the_detail_says_what_does_not_fit(
    client: TestClient[Litestar], change: dict[str, object], sentence: str
) -> None:
    told = client.post("/accounts", json=GOOD | change).json()
    assert (told["code"], told["detail"]) == ("invalid_request", sentence)
    assert told["errors"] == [{"field": next(iter(change)), "message": sentence}]


def test_a_field_that_is_missing_is_named(client: TestClient[Litestar]) -> None:
    told = client.post("/accounts", json={"email": "a@example.org"}).json()
    assert told["errors"] == [{"field": "password", "message": "“password” is missing."}]


@pytest.mark.parametrize(
    ("value", "sentence"),
    [("0", "“from” has to be at least 1."), ("99", "“from” has to be at most 50."),
     ("x", "“from” has to be a whole number.")],
)  # fmt: skip
def test_a_parameter_has_the_name_that_clients_send(
    client: TestClient[Litestar], value: str, sentence: str
) -> None:
    told = client.get("/parts", params={"from": value}).json()
    assert told["errors"] == [{"field": "from", "message": sentence}]


async def _read(body: bytes) -> bytes:
    async def receive() -> HTTPRequestEvent:
        return {"type": "http.request", "body": body, "more_body": False}

    return await read_body(receive, len(body))


@pytest.mark.parametrize("text", [rb"\ud800", rb"\uD800 and more", rb"\udc00 and more", rb"\ud800\u0041"])
async def test_half_of_a_surrogate_pair_has_a_code_of_its_own(text: bytes) -> None:
    with pytest.raises(InvalidInputError) as refused:
        await _read(b'{"title": "' + text + b'"}')
    assert refused.value.code == "unpaired_surrogate"


@pytest.mark.parametrize("text", [rb"\ud83d\ude00", rb"\\ud800", rb"\u00e9", rb"\n\\"])
async def test_whole_characters_pass(text: bytes) -> None:
    assert await _read(b'{"title": "' + text + b'"}')
