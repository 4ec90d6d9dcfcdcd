"""The request body, read once with a limit, unpacked and checked before anything decodes it.

Bodies here are small JSON (media bytes go straight to the object store). What no database or log can hold
is refused: NUL characters, and bytes that are not UTF-8 (unpaired surrogates included, RFC 8259, 8.1).
"""

import asyncio
import re
import zlib
from typing import Any

from litestar.types import Receive

from mcsp.errors import InvalidInputError, TooLargeError, UnsupportedError

LIMIT_BYTES = 1 << 20
READ_TIMEOUT_S = 30

_ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
_ESCAPES = re.compile(rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|u([dD][89a-fA-F])|.)", re.DOTALL)
"""Escapes of JSON from left to right; the group is set for half of a surrogate pair."""


class ClientGoneError(Exception):
    """The client hung up while its body was being read; there is nobody to answer."""


async def read_body(
    receive: Receive, declared: int | None, coding: str = "", limit: int = LIMIT_BYTES
) -> bytes:
    """The whole body, without its content coding (gzip); the limit holds packed and unpacked.

    Raises TooLargeError, InvalidInputError, UnsupportedError, ClientGoneError.
    """
    if (coding := coding.strip().lower()) not in ("", "identity", "gzip", "x-gzip"):
        raise UnsupportedError(
            "unknown_coding", "The Content-Encoding is not known here.", action="Send gzip or none."
        )
    if declared is not None and declared > limit:
        raise _too_large(limit)
    try:
        async with asyncio.timeout(READ_TIMEOUT_S):
            body = await _collect(receive, limit)
    except TimeoutError as error:
        raise InvalidInputError(
            "slow_body", f"The body did not arrive within {READ_TIMEOUT_S:.0f} seconds.",
            action="Send it again, over a better connection.",
        ) from error  # fmt: skip
    if coding.endswith("gzip"):
        body = _unpacked(body, limit)
    _check_text(body)
    return body


def _unpacked(body: bytes, limit: int) -> bytes:
    """Never makes more than the limit: a few packed bytes may stand for gigabytes."""
    unpacker = zlib.decompressobj(wbits=31)
    try:
        unpacked = unpacker.decompress(body, limit + 1)
    except zlib.error as error:
        raise InvalidInputError(
            "bad_gzip", "The body is not gzip.", action="Send it without Content-Encoding, or as gzip."
        ) from error
    if len(unpacked) > limit:
        raise _too_large(limit)
    if not unpacker.eof or unpacker.unused_data:
        raise InvalidInputError(
            "bad_gzip",
            "The body is not one whole gzip member.",
            action="Send one gzip member, or the body as it is.",
        )
    return unpacked


async def _collect(receive: Receive, limit: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGoneError
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
        if not message.get("more_body"):
            return b"".join(chunks)


def _check_text(body: bytes) -> None:
    if b"\\u0000" in body and _ESCAPED_NUL.search(body):
        raise InvalidInputError(
            "nul_character", "Text must not hold the character NUL (U+0000).", action="Take it out."
        )
    if b"\\u" in body and any(escape[1] for escape in _ESCAPES.finditer(body)):
        raise InvalidInputError(
            "unpaired_surrogate", "Text must not hold half of a surrogate pair (U+D800 to U+DFFF).",
            action="Send the character whole, or as UTF-8.",
        )  # fmt: skip
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError as error:
            raise InvalidInputError(
                "not_utf8", "The body is not valid UTF-8.", action="Encode it as UTF-8."
            ) from error


def replay(body: bytes, receive: Receive) -> Receive:
    """A ``receive`` that gives the body that was read, then what the client sends later (a hang-up)."""
    given = False

    async def receive_again() -> Any:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive_again


def _too_large(limit: int) -> TooLargeError:
    return TooLargeError(
        "body_too_large", f"The body may be at most {limit} bytes.",
        action="Send less. Files go to the addresses that POST /v1/uploads gives.", limit_bytes=limit,
    )  # fmt: skip
