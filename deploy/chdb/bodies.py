"""The body of a request as it was before it was compressed, within a bound."""

import gzip
import io
from collections.abc import Callable
from typing import Protocol

import lz4.frame
from backports import zstd

LARGEST = 512 * 1024 * 1024
"""Bytes of a body after decompression. The collector's inserts are a few MiB."""


class BodyError(Exception):
    """The body cannot be read: unknown or broken compression, or too large."""


class _Opened(Protocol):
    def read(self, size: int, /) -> bytes: ...


_OPEN: dict[str, Callable[[io.BytesIO], _Opened]] = {
    "gzip": lambda raw: gzip.GzipFile(fileobj=raw),
    "lz4": lambda raw: lz4.frame.LZ4FrameFile(raw),
    "zstd": lambda raw: zstd.ZstdFile(raw),
}


def plain(body: bytes, encoding: str) -> bytes:
    """``body`` without its ``Content-Encoding``. Raises BodyError."""
    if encoding in ("", "identity"):
        return body
    if encoding not in _OPEN:
        raise BodyError(f"Content-Encoding {encoding}: there are {', '.join(_OPEN)}")
    try:
        data = _OPEN[encoding](io.BytesIO(body)).read(LARGEST + 1)
    except (OSError, EOFError, RuntimeError, zstd.ZstdError) as error:
        raise BodyError(f"a broken {encoding} body: {error}") from error
    if len(data) > LARGEST:
        raise BodyError(f"a body of more than {LARGEST} bytes")
    return data
