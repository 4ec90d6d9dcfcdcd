"""An HTTP/1.1 load generator that costs little itself: keep-alive connections, one request in flight each.

A Python client such as httpx is slower than the servers it would measure. This one sends bytes made once
and reads no more of an answer than it needs to find its end.
"""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from urllib.parse import urlsplit


@dataclass
class Load:
    """What was measured: latencies of all good answers in seconds, answers that were not, wall seconds."""

    latencies: list[float] = field(default_factory=list)
    bad: int = 0
    bytes_read: int = 0
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return len(self.latencies) / self.seconds

    def quantile(self, share: float) -> float:
        """The latency (seconds) that this share of good answers does not exceed."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def get(urls: Sequence[str], *, connections: int, requests: int) -> Load:
    """Sends GETs for the addresses in turn. They must be of one host. Raises OSError when it is not there."""
    host = urlsplit(urls[0]).netloc
    messages = [_request("GET", url, host) for url in urls]
    return asyncio.run(_send(host, messages, 200, connections, requests))


def post(url: str, bodies: Sequence[bytes], *, good: int, connections: int, requests: int) -> Load:
    """Sends the JSON bodies in turn; ``good`` is the wanted status. Raises OSError when nobody is there."""
    host = urlsplit(url).netloc
    messages = [_request("POST", url, host, body) for body in bodies]
    return asyncio.run(_send(host, messages, good, connections, requests))


async def _send(
    host: str, requests_made: Sequence[bytes], good: int, connections: int, requests: int
) -> Load:
    messages = cycle(requests_made)
    result, left = Load(), iter(range(requests))
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(_connection(host, messages, good, left, result))
    result.seconds = time.perf_counter() - began
    if not result.latencies:
        raise RuntimeError(f"{host}: no answer was {good}")
    return result


def _request(method: str, url: str, host: str, body: bytes = b"") -> bytes:
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    about = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
    return f"{method} {target} HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\n{about}\r\n".encode() + body


async def _connection(
    host: str, messages: Iterator[bytes], good: int, left: Iterator[int], result: Load
) -> None:
    name, _, port = host.partition(":")
    reader, writer = await asyncio.open_connection(name, int(port or 80), limit=2**20)
    try:
        for _ in left:
            began = time.perf_counter()
            writer.write(next(messages))
            status, size = await _answer(reader)
            result.bytes_read += size
            if status == good:
                result.latencies.append(time.perf_counter() - began)
            else:
                result.bad += 1
    finally:
        writer.close()


async def _answer(reader: asyncio.StreamReader) -> tuple[int, int]:
    """Status and body size; answers without Content-Length are not expected of what is measured."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    at = head.find(b"content-length:")
    if at < 0:
        raise RuntimeError("an answer has no Content-Length")
    size = int(head[at + 15 : head.index(b"\r\n", at)])
    left = size
    while left:
        left -= len(await reader.read(min(left, 2**18)))
    return int(head[9:12]), size
