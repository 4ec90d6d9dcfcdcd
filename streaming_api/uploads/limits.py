"""What one person may upload, and how a size becomes parts. S3 allows 10,000 parts of 5 MiB to 5 GiB."""

import math

from mcsp.errors import InvalidInputError, TooLargeError

MIB = 1 << 20

MAX_SIZE_BYTES = 256 << 30
"""An evening of 4K in a mezzanine codec; more is nearly always a mistake."""
MAX_OPEN_UPLOADS = 50
"""Per person. A folder dropped into the studio is fine; a script gone wild is not."""
MAX_PARTS = 10_000
"""S3's own limit."""
PART_SIZE_BYTES = 8 * MIB
"""Small enough that a broken part on a poor line costs little, large enough that requests do not count."""
EXPIRES_S = 48 * 3600
"""How long parts may come; a person can go on the next evening."""
SIGNED_S = 6 * 3600
"""How long the address of a part works. A client asks for fresh ones when it resumes."""
SIGNED_AT_ONCE = 100
"""Addresses in one answer: about 6 ms of signing."""


def check_size(size: int) -> None:
    """Raises InvalidInputError for an empty file and TooLargeError above the limit."""
    if size <= 0:
        raise InvalidInputError(
            "empty_file", "This file is empty: there is nothing to play.", action="Choose another file."
        )
    if size > MAX_SIZE_BYTES:
        raise TooLargeError(
            "file_too_large",
            f"Files may have up to {MAX_SIZE_BYTES >> 30} GiB; this one has {size / (1 << 30):.1f} GiB.",
            action="Export it with a lower bit rate.",
            limit_bytes=MAX_SIZE_BYTES,
        )


def part_size_of(size: int) -> int:
    """Bytes of each part but the last, in whole MiB: the usual size, more where there would be too many."""
    return max(PART_SIZE_BYTES, math.ceil(size / MAX_PARTS / MIB) * MIB)


def part_count(size: int, part_size: int) -> int:
    """How many parts a file of ``size`` bytes has."""
    return math.ceil(size / part_size)


def size_of_part(number: int, size: int, part_size: int) -> int:
    """Bytes of part ``number`` (from 1)."""
    return min(part_size, size - (number - 1) * part_size)
