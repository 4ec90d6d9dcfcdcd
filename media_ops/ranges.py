"""Reads stretches of a source over HTTP ranges (RFC 9110 14), so that nobody downloads a whole file.

What does not belong here: what the bytes mean (``mp4``, ``sniff``), and handing them on (``gate``).
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import aiohttp
from yarl import URL

from media_ops.failures import transient

BLOCK = 64 << 10
"""Smallest stretch fetched: one round trip costs more than 64 KiB from a near store."""
KEPT = 4
"""Blocks that a reader keeps: a stranger's file decides how many it has read."""
CHUNK = 1 << 18
TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=3, sock_read=10)
PARTIAL_CONTENT = 206


def open_session() -> aiohttp.ClientSession:
    """A client for one source; proxies and cookies of the environment play no part."""
    return aiohttp.ClientSession(timeout=TIMEOUT, trust_env=False, auto_decompress=False)


def ranged(
    session: aiohttp.ClientSession, url: str, first: int, last: int
) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
    """The request for bytes ``first`` to ``last``; the address is sent as signed, not re-encoded."""
    headers = {"Range": f"bytes={first}-{last}", "Accept-Encoding": "identity"}
    return session.get(URL(url, encoded=True), headers=headers, allow_redirects=False)


class RangeReader:
    """A source of ``size`` bytes at ``url``; keeps the last few blocks that it has read."""

    def __init__(self, session: aiohttp.ClientSession, url: str, size: int) -> None:
        self._session, self._url, self.size = session, url, size
        self._blocks: deque[tuple[int, bytes]] = deque(maxlen=KEPT)

    async def read(self, offset: int, length: int) -> bytes:
        """``length`` bytes from ``offset``, fewer at the end. TransientWorkError when the store fails."""
        length = min(length, self.size - offset)
        if length <= 0:
            return b""
        if (held := self._held(offset, length)) is not None:
            return held
        async with self._fetched(offset, min(max(length, BLOCK), self.size - offset)) as answer:
            block = await answer.read()
        self._blocks.append((offset, block))
        return block[:length]

    async def save(self, offset: int, length: int, path: Path) -> None:
        """Write these bytes into a new file, however many. TransientWorkError when the store fails."""
        held = self._held(offset, length)
        file = await asyncio.to_thread(path.open, "xb")
        with file:
            if held is not None:
                file.write(held)
                return
            async with self._fetched(offset, length) as answer:
                async for chunk in answer.content.iter_chunked(CHUNK):
                    await asyncio.to_thread(file.write, chunk)

    def _held(self, offset: int, length: int) -> bytes | None:
        for start, block in self._blocks:
            if start <= offset and offset + length <= start + len(block):
                return block[offset - start : offset - start + length]
        return None

    @asynccontextmanager
    async def _fetched(self, offset: int, length: int) -> AsyncIterator[aiohttp.ClientResponse]:
        """An answer that has exactly ``length`` bytes, or breaks; either way read inside the block."""
        try:
            async with ranged(self._session, self._url, offset, offset + length - 1) as answer:
                if answer.status != PARTIAL_CONTENT:
                    raise transient("source_unreadable", f"The store answered {answer.status} to a range.")
                if answer.content_length != length:
                    raise transient(
                        "source_unreadable", f"The store offers {answer.content_length} of {length} bytes."
                    )
                yield answer
        except (aiohttp.ClientError, TimeoutError) as error:
            raise transient("source_unreadable", f"The source could not be read: {error!r}") from error
