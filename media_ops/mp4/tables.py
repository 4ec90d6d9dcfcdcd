"""The tables of a track's samples (ISO/IEC 14496-12 8.6): run lengths of times, and numbers of sync samples.

Sizes are a stranger's claims: each is held against its box, and nothing grows with a number in the file.
What does not belong here: what the times mean for publishing (``index``).
"""

import struct
import sys
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence

from media_ops.mp4.boxes import Box, MalformedBoxError, find

MAX_PICTURES = 20_000_000
"""Twelve hours at 240 frames a second have half as many. Sound may have any number: PCM has one a tick."""
MAX_SYNC_LISTED = 100_000
"""Where every frame may be cut, this many are enough to choose from."""
MAX_LENGTHS = 10_000
"""A track whose samples last so many different times is not even."""


def _u32(moov: bytes, start: int, count: int) -> "array[int]":
    if start + 4 * count > len(moov):
        raise MalformedBoxError("a table is longer than its box")
    values = array("I")
    values.frombytes(moov[start : start + 4 * count])
    if sys.byteorder == "little":
        values.byteswap()
    return values


def pairs(moov: bytes, box: Box | None) -> "array[int]":
    """The runs of an ``stts`` or ``ctts``, as they stand there; empty without one. MalformedBoxError."""
    if box is None:
        return array("I")
    count = struct.unpack_from(">I", moov, box.body + 4)[0]
    if 8 + 8 * count > box.end - box.body:
        raise MalformedBoxError("a table is longer than its box")
    return _u32(moov, box.body + 8, 2 * count)


def runs(table: "array[int]") -> Iterator[tuple[int, int]]:
    """(number of samples, value of each), one run after another."""
    values = iter(table)
    return zip(values, values, strict=True)


def even(durations: "array[int]", samples: int) -> bool:
    """Whether nearly all samples last equally long; a tick or 2 % is rounding, not a varying rate."""
    by_length: Counter[int] = Counter()
    for count, delta in runs(durations):
        by_length[delta] += count
        if len(by_length) > MAX_LENGTHS:
            return False
    if not by_length:
        return True
    usual = by_length.most_common(1)[0][0]
    odd = sum(count for delta, count in by_length.items() if abs(delta - usual) > max(1, usual * 0.02))
    return odd <= max(2, samples // 100)


def sync_ticks(moov: bytes, stbl: Box, durations: "array[int]", samples: int) -> tuple[int, list[int]]:
    """How many sync samples there are, and presentation times of them in ticks (some, where all are many).

    Every sample is one where there is no ``stss``. MalformedBoxError.
    """
    if samples > MAX_PICTURES:
        raise MalformedBoxError(f"a track claims {samples} pictures")
    count, wanted = _sync_samples(moov, find(moov, "stss", stbl.body, stbl.end), samples)
    decode = _at_samples(durations, wanted, cumulative=True)
    offsets = _at_samples(pairs(moov, find(moov, "ctts", stbl.body, stbl.end)), wanted, cumulative=False)
    return count, [when + _signed(shift) for when, shift in zip(decode, offsets, strict=True)]


def _sync_samples(moov: bytes, stss: Box | None, samples: int) -> tuple[int, Sequence[int]]:
    """Their number, and ascending 1-based sample numbers of at most ``MAX_SYNC_LISTED`` of them."""
    if stss is None:
        return samples, range(1, samples + 1, samples // MAX_SYNC_LISTED + 1)
    count = struct.unpack_from(">I", moov, stss.body + 4)[0]
    if 8 + 4 * count > stss.end - stss.body:
        raise MalformedBoxError("stss is longer than its box")
    return count, sorted(_u32(moov, stss.body + 8, count)[:: count // MAX_SYNC_LISTED + 1])


def _signed(value: int) -> int:
    """Version 1 of ``ctts`` holds signed offsets, and version 0 is written with them too."""
    return value - (1 << 32) if value >= 1 << 31 else value


def _at_samples(table: "array[int]", wanted: Sequence[int], *, cumulative: bool) -> list[int]:
    """Values of a run-length table at 1-based sample numbers: the sum before each, or its own value."""
    found: list[int] = []
    following = runs(table)
    first, count, value, total = 1, 0, 0, 0
    for number in wanted:
        while number >= first + count:
            first, total = first + count, total + count * value
            count, value = next(following, (1 << 62, 0))
        found.append(total + (number - first) * value if cumulative else value)
    return found
