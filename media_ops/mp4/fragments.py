"""Fragmented MP4 as it comes out of a pipe: the init segment, then ``moof``/``mdat`` pairs with their times.

What does not belong here: grouping fragments into segments (``grid``, ``produce``).
"""

import asyncio
import struct
from collections.abc import AsyncIterator
from typing import NamedTuple

from media_ops.mp4.boxes import CutShortError, MalformedBoxError, children, find, find_all, header

_FIRST_SAMPLE_FLAGS, _DATA_OFFSET = 0x4, 0x1
_DURATION, _SIZE, _FLAGS, _CTS = 0x100, 0x200, 0x400, 0x800
MAX_BOX_BYTES = 1 << 30


class Fragment(NamedTuple):
    """One ``moof`` with its ``mdat``: presentation start, duration (both in ticks), samples, bytes."""

    start: int
    duration: int
    samples: int
    data: bytes


class InitBoxes(NamedTuple):
    """``ftyp`` and ``moov`` as one buffer."""

    data: bytes


async def read_boxes(stream: asyncio.StreamReader) -> AsyncIterator[tuple[str, bytes]]:
    """Whole top-level boxes as they arrive. CutShortError where the stream ends inside one."""
    while True:
        try:
            head = await stream.readexactly(8)
        except asyncio.IncompleteReadError as error:
            if error.partial:
                raise CutShortError("the stream ended inside a box header") from error
            return
        kind, length, size = header(head + bytes(8), 0)
        if length != 8 or not 8 <= size <= MAX_BOX_BYTES:
            raise MalformedBoxError(f"box {kind!r} of {size} bytes in a stream")
        try:
            yield kind, head + await stream.readexactly(size - 8)
        except asyncio.IncompleteReadError as error:
            raise CutShortError(f"the stream ended inside {kind!r}") from error


async def read_fragments(stream: asyncio.StreamReader) -> AsyncIterator[InitBoxes | Fragment]:
    """The init segment once ``moov`` is whole, then every fragment. Other boxes (``mfra``…) are dropped."""
    ftyp = moof = b""
    defaults = (0, 0)
    async for kind, data in read_boxes(stream):
        if kind == "ftyp":
            ftyp = data
        elif kind == "moov":
            defaults = _track_defaults(data)
            yield InitBoxes(ftyp + data)
        elif kind == "moof":
            moof = data
        elif kind == "mdat" and moof:
            start, duration, samples = _times(moof, defaults[0])
            yield Fragment(start, duration, samples, moof + data)
            moof = b""


def timescale_of(init: bytes) -> int:
    """Ticks per second of the only track of an init segment."""
    mdhd = find(init, "moov/trak/mdia/mdhd")
    if mdhd is None:
        raise MalformedBoxError("no mdhd in the init segment")
    return struct.unpack_from(">I", init, mdhd.body + (20 if init[mdhd.body] == 1 else 12))[0]


def _track_defaults(moov: bytes) -> tuple[int, int]:
    trex = find(moov, "moov/mvex/trex")
    if trex is None:
        raise MalformedBoxError("no trex: the init segment is not of a fragmented file")
    return struct.unpack_from(">II", moov, trex.body + 12)


def _times(moof: bytes, default_duration: int) -> tuple[int, int, int]:
    """Presentation time of the first sample, duration of all, number of samples (8.8.7, 8.8.8, 8.8.12)."""
    top = next(children(moof))
    trafs = find_all(moof, "traf", top.body, top.end)
    if len(trafs) != 1:
        raise MalformedBoxError(f"{len(trafs)} tracks in one fragment")
    start, duration, samples, first_offset = 0, 0, 0, 0
    for box in children(moof, trafs[0].body, trafs[0].end):
        if box.kind == "tfhd":
            default_duration = _default_duration(moof, box.body, default_duration)
        elif box.kind == "tfdt":
            start = struct.unpack_from(">Q" if moof[box.body] == 1 else ">I", moof, box.body + 4)[0]
        elif box.kind == "trun":
            count, length, offset = _run(moof, box.body, default_duration)
            first_offset = first_offset if samples else offset
            samples, duration = samples + count, duration + length
    return start + first_offset, duration, samples


def _default_duration(moof: bytes, body: int, default: int) -> int:
    flags = struct.unpack_from(">I", moof, body)[0] & 0xFFFFFF
    if not flags & 0x8:
        return default
    return struct.unpack_from(">I", moof, body + 8 + (8 if flags & 0x1 else 0) + (4 if flags & 0x2 else 0))[0]


def _run(moof: bytes, body: int, default_duration: int) -> tuple[int, int, int]:
    """Samples, ticks and first composition offset of a ``trun``."""
    flags, count = struct.unpack_from(">II", moof, body)
    flags &= 0xFFFFFF
    at = body + 8 + (4 if flags & _DATA_OFFSET else 0) + (4 if flags & _FIRST_SAMPLE_FLAGS else 0)
    fields = [bool(flags & flag) for flag in (_DURATION, _SIZE, _FLAGS, _CTS)]
    width = 4 * sum(fields)
    length = count * default_duration
    if fields[0]:
        length = sum(struct.unpack_from(">I", moof, at + width * n)[0] for n in range(count))
    first = struct.unpack_from(">i", moof, at + 4 * sum(fields[:3]))[0] if fields[3] and count else 0
    return count, length, first
