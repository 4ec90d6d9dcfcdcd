"""Live state as server-sent events (WHATWG HTML, 9.2): the whole state first, then each change.

Every event is named ``item`` and carries an item as ``GET /v1/media/{id}`` gives it to its owner; a deleted
one has the status ``deleted``. A comment line every 15 s keeps the connection alive.
"""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import msgspec
import structlog

from streaming_api.content import repository
from streaming_api.content.live import LiveItems
from streaming_api.content.logic import Items, item_of
from streaming_api.content.repository import Position

log = structlog.get_logger()

HEARTBEAT_S = 15.0
LONGEST_S = 15 * 60
"""A stream ends after this and the client comes again with a fresh token."""
WHOLE_ITEMS = 50
"""The newest items make the whole state: what lies behind them does not change by itself."""


async def stream(items: Items, live: LiveItems, owner_id: UUID) -> AsyncIterator[bytes]:
    """The events of one open studio."""
    ends_at = asyncio.get_running_loop().time() + LONGEST_S
    with live.subscribed(owner_id) as subscriber:
        yield b"retry: 2000\n\n"
        while (left := ends_at - asyncio.get_running_loop().time()) > 0:
            whole, states = subscriber.take()
            if whole:
                states = [*await _whole(items, owner_id), *states]
            yield b"".join(_event(state) for state in states) or b": alive\n\n"
            await subscriber.wait(min(HEARTBEAT_S, left))


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
