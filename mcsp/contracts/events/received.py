"""A message of ``events.raw``: the events of one session in one request, and what the server knows of them.

No address, no user agent and no account is in it: what is kept of them was reduced when it was received.
"""

from typing import Annotated, Literal, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Meta

from mcsp.contracts.events.base import Instant, Word
from mcsp.contracts.events.types import Event

Device: TypeAlias = Literal["phone", "tablet", "desktop", "tv", "bot", "unknown"]
Pseudonym: TypeAlias = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """Events as they were received, all of one session and item.

    ``received_at`` and ``started_at`` (of the session) are the server's clock. Events without a session have
    ``session_id`` "" and no ``started_at``. ``country``: ISO 3166-1 alpha-2. ``network``: a class such as
    ``public``. ``agent``: the family of the user agent alone. ``source``: where the viewer came from, as the
    player told (``home``, ``link``, ``embed`` …).
    """

    received_at: Instant
    received_by: str
    request_id: str
    session_id: Annotated[str, Meta(max_length=200)]
    media_id: UUID
    viewer: Pseudonym
    started_at: Instant | None
    country: Annotated[str, Meta(pattern="^[A-Z]{2}$")] | None
    network: Word | None
    device: Device
    agent: Word | None
    source: Word | None
    events: tuple[Event, ...]
    version: int = 1
