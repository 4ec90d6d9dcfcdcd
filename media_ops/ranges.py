"""Reads stretches of a source over HTTP ranges (RFC 9110 14), so that nobody downloads a whole file.

What does not belong here: what the bytes mean (``mp4``, ``sniff``), and handing them on (``gate``).
"""

from contextlib import AbstractAsyncContextManager

import aiohttp
from yarl import URL

from media_ops.failures import transient

BLOCK = 64 << 10
"""Smallest stretch fetched: one round trip costs more than 64 KiB from a near store."""
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
    """A source of ``size`` bytes at ``url``; keeps the blocks it has read."""

    def __init__(self, session: aiohttp.ClientSession, url: str, size: int) -> None:
        self._session, self._url, self.size = session, url, size
        self._blocks: dict[int, bytes] = {}

    async def read(self, offset: int, length: int) -> bytes:
        """``length`` bytes from ``offset``, fewer at the end. TransientWorkError when the store fails."""
        length = min(length, self.size - offset)
        if length <= 0:
            return b""
        for start, block in self._blocks.items():
            if start <= offset and offset + length <= start + len(block):
                return block[offset - start : offset - start + length]
        block = await self._fetch(offset, min(max(length, BLOCK), self.size - offset))
        self._blocks[offset] = block
        return block[:length]

    async def _fetch(self, offset: int, length: int) -> bytes:
        try:
            async with ranged(self._session, self._url, offset, offset + length - 1) as answer:
                if answer.status != PARTIAL_CONTENT:
                    raise transient("source_unreadable", f"The store answered {answer.status} to a range.")
                body = await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise transient("source_unreadable", f"The source could not be read: {error!r}") from error
        if len(body) != length:
            raise transient("source_unreadable", f"The store sent {len(body)} of {length} bytes.")
        return body
