"""Identifiers: UUIDv7 (RFC 9562), so that ids sort by the time they were made."""

import os
import time
import uuid


def uuid7(*, now_ms: int | None = None, random: bytes | None = None) -> uuid.UUID:
    """A UUID version 7: 48 bits of Unix milliseconds, 74 random bits. Clock and random can be injected."""
    milliseconds = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    value = (milliseconds & (1 << 48) - 1) << 80 | int.from_bytes(random or os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return uuid.UUID(int=value)
