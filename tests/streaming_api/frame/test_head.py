"""HEAD is answered like GET, without content (RFC 9110, 9.3.2)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from litestar import Litestar, get
from litestar.response import Stream
from litestar.testing import AsyncTestClient

from mcsp.resources import Resources
from mcsp.settings import S3Settings, Settings
from streaming_api.app import assemble, create_app
from streaming_api.frame.service import Service
from tests.streaming_api.web.test_answers import NOBODY

OPTIONS = Settings(api_url=NOBODY, media_url=NOBODY, s3=S3Settings(public_endpoint=NOBODY))


@pytest.fixture(scope="module")
async def web() -> AsyncIterator[AsyncTestClient[Litestar]]:
    async with AsyncTestClient(create_app("web", options=OPTIONS)) as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/studio", "/watch/none", "/healthz", "/readyz", "/nowhere"])
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
async def test_the_head_is_that_of_get(web: AsyncTestClient[Litestar], path: str, accept: str) -> None:
    head = await web.head(path, headers={"Accept": accept})
    body = await web.get(path, headers={"Accept": accept})
    assert (head.status_code, head.content) == (body.status_code, b"")
    assert head.headers["content-type"] == body.headers["content-type"]
    assert "x-request-id" in head.headers
    assert body.content


async def test_a_stream_without_an_end_ends() -> None:
    left = asyncio.Event()

    async def for_ever() -> AsyncIterator[bytes]:
        try:
            while True:
                yield b"tick"
                await asyncio.sleep(0)
        finally:
            left.set()

    @get("/ticks")
    async def ticks() -> Stream:
        return Stream(for_ever())

    @asynccontextmanager
    async def nothing(_: Resources) -> AsyncIterator[None]:
        yield

    app = assemble([Service(name="ticks", routes=[ticks], open=nothing)], OPTIONS)
    async with AsyncTestClient(app) as client, asyncio.timeout(20):
        answer = await client.head("/ticks")
        await left.wait()
    assert (answer.status_code, answer.content) == (200, b"")
