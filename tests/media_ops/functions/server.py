"""A store for tests: serves files by HTTP ranges, counts what it sent, and fails on demand."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

CHUNK = 1 << 16


@dataclass
class Store:
    """``url`` of the folder. ``down`` answers 503; ``sever_after`` bytes in all every connection is cut
    and the store is down; ``hiccup_every`` bytes a connection is cut, once each."""

    folder: Path
    url: str = ""
    sent: int = 0
    requests: int = 0
    asked: set[str] = field(default_factory=set)
    down: bool = False
    sever_after: int | None = None
    hiccup_every: int | None = None
    severed: asyncio.Event = field(default_factory=asyncio.Event)

    def address(self, path: Path) -> str:
        return f"{self.url}/{path.relative_to(self.folder)}?X-Signature=a%2Fb%3D"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        self.asked.add(request.match_info["path"].partition(".")[0])
        if self.down:
            return web.Response(status=503)
        if request.rel_url.raw_query_string != "X-Signature=a%2Fb%3D":
            return web.Response(status=403)
        path = self.folder / request.match_info["path"]
        size = path.stat().st_size
        first = request.http_range.start or 0
        stop = min(request.http_range.stop or size, size)
        if first >= stop:
            return web.Response(status=416)
        response = web.StreamResponse(
            status=206, headers={"Content-Range": f"bytes {first}-{stop - 1}/{size}"}
        )
        response.content_length = stop - first
        await response.prepare(request)
        await self._send(request, response, path, first, stop)
        return response

    async def _send(
        self, request: web.Request, response: web.StreamResponse, path: Path, first: int, stop: int
    ) -> None:
        here = 0
        with path.open("rb") as file:
            file.seek(first)
            while first < stop:
                chunk = file.read(min(CHUNK, stop - first))
                if self.sever_after is not None and self.sent + len(chunk) > self.sever_after:
                    self.down = True
                    self.severed.set()
                if self.down or (self.hiccup_every is not None and here > self.hiccup_every):
                    if request.transport is not None:
                        request.transport.abort()
                    return
                try:
                    await response.write(chunk)
                except ConnectionError:
                    return
                first, here, self.sent = first + len(chunk), here + len(chunk), self.sent + len(chunk)


@asynccontextmanager
async def open_store(folder: Path) -> AsyncIterator[Store]:
    """A store over ``folder`` for the length of the block."""
    store = Store(folder)
    application = web.Application()
    application.router.add_get("/{path:.*}", store.answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.001)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    store.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield store
    await runner.cleanup()
