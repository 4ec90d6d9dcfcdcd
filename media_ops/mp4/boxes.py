"""Boxes of ISO/IEC 14496-12: iterating and finding them in memory. What is inside is others' business."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

HEADER = 8


class Box(NamedTuple):
    """A box within a buffer: four-character type, where its body starts, where it ends."""

    kind: str
    body: int
    end: int


class MalformedBoxError(ValueError):
    """A size that does not fit: the file is not, or no longer, what it claims."""


class CutShortError(MalformedBoxError):
    """A stream that ended inside a box: whoever wrote it ended, and knows why."""


def header(data: bytes | memoryview, offset: int) -> tuple[str, int, int]:
    """Type, header length and whole size of the box at ``offset``; size 0 means "until the end"."""
    if offset + HEADER > len(data):
        raise MalformedBoxError(f"no box header at {offset}")
    size, kind = struct.unpack_from(">I4s", data, offset)
    if size == 1:
        if offset + 16 > len(data):
            raise MalformedBoxError(f"no 64-bit box size at {offset}")
        return kind.decode("latin-1"), 16, struct.unpack_from(">Q", data, offset + 8)[0]
    return kind.decode("latin-1"), HEADER, size


def children(data: bytes | memoryview, start: int = 0, end: int | None = None) -> Iterator[Box]:
    """The boxes between ``start`` and ``end``. MalformedBoxError where one does not fit."""
    end = len(data) if end is None else end
    while start + HEADER <= end:
        kind, head, size = header(data, start)
        stop = end if size == 0 else start + size
        if (size != 0 and size < head) or stop > end:
            raise MalformedBoxError(f"box {kind!r} of {size} bytes at {start} does not fit")
        yield Box(kind, start + head, stop)
        start = stop


def find(data: bytes | memoryview, path: str, start: int = 0, end: int | None = None) -> Box | None:
    """The first box at ``path`` (such as ``mdia/minf/stbl``) below ``start``, or None."""
    kind, _, rest = path.partition("/")
    for box in children(data, start, end):
        if box.kind == kind:
            return find(data, rest, box.body, box.end) if rest else box
    return None


def find_all(data: bytes | memoryview, kind: str, start: int = 0, end: int | None = None) -> list[Box]:
    """All boxes of a type directly below ``start``."""
    return [box for box in children(data, start, end) if box.kind == kind]
