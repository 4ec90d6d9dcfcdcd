"""What the store client sends, and that it never waits without a bound: against a server we can watch."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from pydantic import SecretStr

from mcsp import s3, s3_errors
from mcsp.errors import UnavailableError
from mcsp.settings import S3Settings

OK = b'HTTP/1.1 200 OK\r\nETag: "d41d8cd98f00b204e9800998ecf8427e"\r\nContent-Length: 0\r\n\r\n'


def refusal(status: str, code: str) -> bytes:
    """An error as S3 tells it."""
    body = f"<Error><Code>{code}</Code><Message>ask 10.1.2.3:9000</Message></Error>".encode()
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    ).encode() + body


@asynccontextmanager
async def listening(*answers: bytes) -> AsyncIterator[tuple[S3Settings, list[bytes]]]:
    """A server that keeps each request's head and gives ``answers`` in turn, the last one again and again
    (nothing at all where one is empty)."""
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            answer = answers[min(len(heads), len(answers)) - 1]
            writer.write(answer)
            await writer.drain()
            if b"Connection: close" not in answer:
                await reader.read()
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        yield (
            S3Settings(endpoint=f"http://127.0.0.1:{port}", access_key="key", secret_key=SecretStr("secret")),
            heads,
        )


async def test_a_write_never_waits_for_100_continue() -> None:
    async with listening(OK) as (settings, heads), s3.open_store(settings) as store:
        assert await store.put_once("bucket", "key", b"body", "video/mp4")
    assert heads
    assert b"expect:" not in heads[0].lower()


async def test_a_store_that_never_answers_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_errors, "TOTAL_S", 0.3)
    async with listening(b"") as (settings, heads), s3.open_store(settings) as store:
        with pytest.raises(UnavailableError):
            await store.put_once("bucket", "key", b"body", "video/mp4")
    assert heads


async def test_two_first_writers_at_once_are_told_to_ask_again_and_do() -> None:
    conflict = refusal("409 Conflict", "ConditionalRequestConflict")
    async with listening(conflict, conflict, OK) as (settings, heads), s3.open_store(settings) as store:
        assert await store.put_once("bucket", "key", b"body", "video/mp4")
    assert len(heads) == 3
    beaten = refusal("412 Precondition Failed", "PreconditionFailed")
    async with listening(conflict, beaten) as (settings, _), s3.open_store(settings) as store:
        assert not await store.put_once("bucket", "key", b"body", "video/mp4")


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("409 Conflict", "OperationAborted"),
        ("409 Conflict", "ConditionalRequestConflict"),
        ("429 Too Many Requests", "TooManyRequests"),
        ("403 Forbidden", "RequestTimeTooSkewed"),
        ("404 Not Found", "NoSuchBucket"),
        ("503 Service Unavailable", "SlowDown"),
        ("400 Bad Request", "NewIn2031"),
    ],
)
async def test_what_may_pass_by_itself_is_worth_repeating_and_names_no_address(
    monkeypatch: pytest.MonkeyPatch, status: str, code: str
) -> None:
    monkeypatch.setattr(s3, "CONFLICT_PAUSES_S", (0.0, 0.0))
    async with listening(refusal(status, code)) as (settings, _), s3.open_store(settings) as store:
        with pytest.raises(UnavailableError) as caught:
            await store.put_once("bucket", "media/secret/0.m4s", b"body", "video/mp4")
    assert caught.value.retryable
    shown = f"{caught.value.failure} {caught.value.told}"
    assert not any(word in shown for word in ("10.1.2.3", "media/secret", "127.0.0.1", code))
    assert "media/secret" in caught.value.details["log"]


async def test_a_store_that_nobody_reaches_is_not_named_to_strangers() -> None:
    async with listening(OK) as (gone, _):
        pass
    async with s3.open_store(gone) as store:
        with pytest.raises(UnavailableError) as caught:
            await store.get("bucket", "media/secret/0.m4s")
    assert "127.0.0.1" not in f"{caught.value} {caught.value.failure} {caught.value.told}"
    assert gone.endpoint in caught.value.details["log"]
