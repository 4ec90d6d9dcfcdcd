"""Live state as server-sent events (WHATWG HTML, 9.2): the whole state first, then each change.

Every event is named ``item`` and carries an item as ``GET /v1/media/{id}`` gives it to its owner; a deleted
one has the status ``deleted``. A comment line every 15 s keeps the connection alive.
"""

import asyncio
import time
import weakref
from collections.abc import AsyncIterator
from uuid import UUID

import msgspec
import structlog

from streaming_api.content import repository
from streaming_api.content.live import LiveItems, Subscriber
from streaming_api.content.logic import Items, item_of
from streaming_api.content.repository import Position
from streaming_api.frame.callers import LEEWAY_S, Person

log = structlog.get_logger()

HEARTBEAT_S = 15.0
LONGEST_S = 15 * 60
"""A stream ends after this, or with its token, and the client comes again with a fresh one."""
WHOLE_ITEMS = 50
"""The newest items make the whole state: what lies behind them does not change by itself."""


def stream(items: Items, live: LiveItems, person: Person) -> AsyncIterator[bytes]:
    """The events of one open studio, until the token that opened it ends, or ``LONGEST_S``.

    Raises RateLimitedError when the person has too many studios open.
    """
    subscriber = live.follow(person.user_id)
    seconds = min(LONGEST_S, person.expires_at + LEEWAY_S - time.time())
    events = _events(items, live, subscriber, asyncio.get_running_loop().time() + seconds)
    # A client that hangs up before the first event leaves a generator that never ran, nor its `finally`.
    weakref.finalize(events, live.leave, subscriber).atexit = False
    return events


async def _events(
    items: Items, live: LiveItems, subscriber: Subscriber, ends_at: float
) -> AsyncIterator[bytes]:
    try:
        yield b"retry: 2000\n\n"
        while (left := ends_at - asyncio.get_running_loop().time()) > 0:
            whole, states = subscriber.take()
            if whole:
                states = [*await _whole(items, subscriber.owner_id), *states]
            yield b"".join(_event(state) for state in states) or b": alive\n\n"
            await subscriber.wait(min(HEARTBEAT_S, left))
    finally:
        live.leave(subscriber)


def _event(state: bytes) -> bytes:
    return b"event: item\ndata: " + state + b"\n\n"


async def _whole(items: Items, owner_id: UUID) -> list[bytes]:
    """The newest items, oldest of them first, as a list that is filled from the top needs them."""
    rows = await repository.mine(items.pool, owner_id, Position(), WHOLE_ITEMS)
    return [msgspec.json.encode(item_of(items, row, owner_id)) for row in reversed(rows)]


async def load_changed(
    items: Items, media_ids: list[UUID], owner_ids: list[UUID]
) -> list[tuple[UUID, UUID, bytes]]:
    """Of the items those of the owners, as (owner, item, JSON)."""
    rows = await repository.changed(items.pool, media_ids, owner_ids)
    return [
        (row.owner_id, row.media_id, msgspec.json.encode(item_of(items, row, row.owner_id))) for row in rows
    ]
