"""Promises of the client by which one service reaches another: nobody waits for one that does not answer."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from prometheus_client import REGISTRY

from deploy.handle import StackHandle
from mcsp.breaker import Breaker
from mcsp.ids import uuid7
from streaming_api.frame.remote import FAILURES, OPEN_S, BreakingTransport, CircuitOpenError
from streaming_api.web.errors import UNAVAILABLE
from tests.streaming_api.api import ApiProcess, await_true
from tests.streaming_api.processes import Running


class Server:
    """Answers each connection with ``says`` and closes it; nothing at all where that is empty."""

    def __init__(self) -> None:
        self.asked, self.says, self.now = 0, b"", 1000.0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.asked += 1
        writer.write(self.says)
        writer.close()
        await writer.wait_closed()

    def status(self, code: int) -> None:
        self.says = f"HTTP/1.1 {code} X\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode()


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
async def client(server: Server) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the server whose breaker goes by ``server.now``."""
    breaker = Breaker(OPEN_S, failures=FAILURES, clock=lambda: server.now)
    transport = BreakingTransport("tests", httpx.AsyncHTTPTransport(), breaker)
    async with await asyncio.start_server(server.answer, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        async with httpx.AsyncClient(transport=transport, base_url=f"http://127.0.0.1:{port}") as http:
            yield http


def _refused() -> float:
    return REGISTRY.get_sample_value("mcsp_client_refused_total", {"target": "tests"}) or 0.0


async def test_one_that_does_not_answer_is_soon_asked_no_more(
    client: httpx.AsyncClient, server: Server
) -> None:
    for _ in range(FAILURES):
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get("/")
    before = _refused()
    with pytest.raises(CircuitOpenError):
        await client.get("/")
    assert (server.asked, _refused() - before) == (FAILURES, 1)


async def test_once_it_answers_again_everybody_asks_again(client: httpx.AsyncClient, server: Server) -> None:
    server.status(502)
    assert [(await client.get("/")).status_code for _ in range(FAILURES)] == [502] * FAILURES
    server.status(200)
    with pytest.raises(CircuitOpenError):
        await client.get("/")
    server.now += OPEN_S
    assert [(await client.get("/")).status_code for _ in range(5)] == [200] * 5


@pytest.mark.parametrize("code", [404, 500, 503])
async def test_whatever_a_living_service_answers_is_an_answer(
    client: httpx.AsyncClient, server: Server, code: int
) -> None:
    server.status(code)
    times = FAILURES + 2
    assert [(await client.get("/")).status_code for _ in range(times)] == [code] * times


@pytest.mark.fault
def test_pages_in_a_process_of_their_own_say_so_at_once_and_come_back_with_the_api(
    stack: StackHandle, tmp_path: Path
) -> None:
    api, refused = ApiProcess(stack), 'mcsp_client_refused_total{target="api"}'
    with Running(stack, "api", ("serve", "web"), tmp_path / "web.log", MCSP_API_URL=api.url) as web:
        address, accept = f"{web.url}/watch/{uuid7()}", {"Accept": "text/html"}
        pages = [httpx.get(address, headers=accept) for _ in range(FAILURES + 1)]
        assert [page.status_code for page in pages] == [503] * len(pages)
        assert UNAVAILABLE[0] in pages[-1].text
        [line] = [one for one in httpx.get(f"{web.url}/metrics").text.splitlines() if one.startswith(refused)]
        assert float(line.split()[1]) >= 1
        try:
            api.start()
            await_true(lambda: httpx.get(web.url).status_code == 200, "the home page is back")
        finally:
            api.kill()
