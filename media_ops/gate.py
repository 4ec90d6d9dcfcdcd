"""The one address a media program may open: a loopback HTTP server that reads the source on its behalf.

ffmpeg takes a broken connection for the end of the file and exits with success, so a store that goes
away in the middle would end in a clipped rendition. The gate repeats and resumes reads; when the store
stays away it says so to us and leaves the program waiting, and nothing clipped is ever seen. The signed
address also stays out of process lists, and a crafted file finds nothing else to talk to.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import aiohttp
from aiohttp import web

from mcsp.errors import TransientWorkError
from media_ops.failures import transient
from media_ops.ranges import PARTIAL_CONTENT, open_session, ranged

PATIENCE_S = 15.0
"""How long the store may give nothing before the attempt ends; the ledger tries again later."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0
CHUNK = 1 << 18
AT_ONCE_S = 0.001
"""aiohttp takes 0 for "wait for ever"."""

T = TypeVar("T")


class Gate:
    """An open gate. ``url`` is for the program; ``failed`` is set, with its error, once the store is lost."""

    def __init__(self, source: str, size: int, session: aiohttp.ClientSession, patience_s: float) -> None:
        self._source, self._size, self._session, self._patience = source, size, session, patience_s
        self._path = f"/{secrets.token_urlsafe(16)}"
        self.url = ""
        self.failed: asyncio.Future[TransientWorkError] = asyncio.get_running_loop().create_future()

    def listen_at(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}{self._path}"

    async def guard(self, work: Coroutine[Any, Any, T]) -> T:
        """``work``'s result; cancels it and raises TransientWorkError as soon as the store is lost."""
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait((task, self.failed), return_when=asyncio.FIRST_COMPLETED)
            if self.failed.done():
                raise self.failed.result()
            return task.result()
        finally:
            task.cancel()
            await asyncio.wait((task,))

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serves one range of the source."""
        if request.path != self._path or request.method not in ("GET", "HEAD"):
            return web.Response(status=404)
        wanted = request.http_range
        first = wanted.start or 0
        stop = min(wanted.stop if wanted.stop is not None else self._size, self._size)
        if first < 0 or first >= stop:
            return web.Response(status=416, headers={"Content-Range": f"bytes */{self._size}"})
        response = web.StreamResponse(status=PARTIAL_CONTENT)
        response.headers["Content-Range"] = f"bytes {first}-{stop - 1}/{self._size}"
        response.headers["Accept-Ranges"] = "bytes"
        response.content_length = stop - first
        await response.prepare(request)
        if request.method == "GET":
            await self._relay(response, first, stop)
        return response

    async def _relay(self, response: web.StreamResponse, first: int, stop: int) -> None:
        """Hands bytes on, resuming where a read broke; gives up only after a stretch without any."""
        pause, alive = FIRST_PAUSE_S, time.monotonic()
        while first < stop:
            before, reason = first, ""
            try:
                async with ranged(self._session, self._source, first, stop - 1) as answer:
                    if answer.status != PARTIAL_CONTENT:
                        reason = f"the store answered {answer.status}"
                    else:
                        async for chunk in answer.content.iter_chunked(CHUNK):
                            await _hand_on(response, chunk)
                            first += len(chunk)
            except _ReaderLeftError:
                return
            except (aiohttp.ClientError, TimeoutError) as error:
                reason = repr(error)
            if first > before:
                pause, alive = FIRST_PAUSE_S, time.monotonic()
                continue
            if time.monotonic() - alive > self._patience:
                await self._give_up(reason or "the store sent nothing")
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    async def _give_up(self, reason: str) -> None:
        if not self.failed.done():
            self.failed.set_result(transient("source_unreadable", f"The source could not be read: {reason}"))
        await asyncio.Event().wait()  # an answer that ended here would look like the end of the file


class _ReaderLeftError(Exception):
    """The program closed its connection: it seeks, or it is done."""


async def _hand_on(response: web.StreamResponse, chunk: bytes) -> None:
    try:
        await response.write(chunk)
    except (ConnectionError, aiohttp.ClientError) as error:
        raise _ReaderLeftError from error


@asynccontextmanager
async def open_gate(source: str, size: int, *, patience_s: float = PATIENCE_S) -> AsyncIterator[Gate]:
    """A gate to ``source`` (presigned address of ``size`` bytes) for the length of the block."""
    async with open_session() as session:
        gate = Gate(source, size, session, patience_s)
        runner = web.ServerRunner(web.Server(gate.answer, access_log=None), shutdown_timeout=AT_ONCE_S)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            gate.listen_at(runner.addresses[0][1])
            yield gate
        finally:
            await runner.cleanup()
