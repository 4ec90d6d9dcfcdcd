"""Waiting for the workers: rows are read again when the ledger says that something changed.

What does not belong here: what is waited for (``whole``, ``remake``).
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import msgspec

from mcsp.database.pool import Connection

RECHECK_S = 5.0
"""Seconds after which rows are read again although no notification came."""

_CHANNEL = "media_state"

Thing = TypeVar("Thing")


class Waited(msgspec.Struct, Generic[Thing], frozen=True):
    """How long it took, and what still waits when the bound was reached."""

    seconds: float
    left: tuple[Thing, ...]


async def until_nothing_waits(
    connection: Connection, waiting: Callable[[], Awaitable[tuple[Thing, ...]]], *, wait_s: float
) -> Waited[Thing]:
    """Ask ``waiting`` now and on each change, until it gives nothing or ``wait_s`` seconds are over."""
    clock = asyncio.get_running_loop().time
    started = clock()
    changed = asyncio.Event()

    def wake(*_: object) -> None:
        changed.set()

    await connection.add_listener(_CHANNEL, wake)
    try:
        while (left := await waiting()) and clock() < started + wait_s:
            await _until(changed, min(started + wait_s, clock() + RECHECK_S))
        return Waited(round(clock() - started, 3), left)
    finally:
        await connection.remove_listener(_CHANNEL, wake)


async def _until(changed: asyncio.Event, moment: float) -> None:
    """Return when something changed or the moment came, whichever is first."""
    try:
        async with asyncio.timeout_at(moment):
            await changed.wait()
    except TimeoutError:
        return
    changed.clear()
