"""Pages of lists by keyset: an opaque cursor holds the last row's sort key, checked when it comes back.

A cursor is of one list (``kind``) and one shape; a changed or foreign one is refused. It grants nothing:
the query it continues filters by owner as the first page did.
"""

import base64
import binascii
import zlib
from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from mcsp.errors import InvalidInputError

T = TypeVar("T")
C = TypeVar("C", bound=msgspec.Struct)

LIMIT_DEFAULT = 24
LIMIT_MAX = 100


class Page(msgspec.Struct, Generic[T], frozen=True, omit_defaults=True):
    """One page; ``next`` is the cursor of the following one, absent on the last."""

    items: list[T]
    next: str | None = None


def encode_cursor(kind: str, position: msgspec.Struct) -> str:
    """An opaque cursor of list ``kind`` for the row at ``position`` (its sort key)."""
    body = msgspec.msgpack.encode(position)
    return _text(_sum(kind, body) + body)


def decode_cursor(kind: str, shape: type[C], cursor: str | None) -> C | None:
    """The position of a cursor, None for the first page. Raises InvalidInputError for any other text."""
    if cursor is None:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        if _text(raw) == cursor and raw[:4] == _sum(kind, raw[4:]):
            return msgspec.msgpack.decode(raw[4:], type=shape)
    except (binascii.Error, ValueError, msgspec.DecodeError) as error:
        raise _bad() from error
    raise _bad()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _sum(kind: str, body: bytes) -> bytes:
    return zlib.crc32(kind.encode() + b"\0" + body).to_bytes(4, "big")


def _bad() -> InvalidInputError:
    return InvalidInputError(
        "bad_cursor", "This cursor was not made by this list.", action="Ask for the list without a cursor."
    )


def page_of(rows: list[T], limit: int, kind: str, position: Callable[[T], msgspec.Struct]) -> Page[T]:
    """A page out of ``limit + 1`` fetched rows: one more than shown tells whether there is a next page."""
    shown = rows[:limit]
    more = len(rows) > limit
    return Page(shown, encode_cursor(kind, position(shown[-1])) if more else None)
