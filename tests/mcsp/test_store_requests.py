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


@asynccontextmanager
async def listening(answer: bytes) -> AsyncIterator[tuple[S3Settings, list[bytes]]]:
    """A server that keeps each request's head and gives ``answer`` (nothing at all when it is empty)."""
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            writer.write(answer)
            await writer.drain()
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
