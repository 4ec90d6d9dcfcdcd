"""What all events have in common, and the kinds of values that they are made of."""

from datetime import UTC, datetime
from typing import Annotated, TypeAlias
from uuid import UUID

import msgspec
from msgspec import Meta

UNSTAMPED = datetime(1970, 1, 1, tzinfo=UTC)
"""``time`` of an event that no server has stamped yet."""

LONGEST_S = 1_000_000
"""Media positions in seconds (eleven days): what is beyond is a mistake of the client."""

Instant: TypeAlias = Annotated[datetime, Meta(tz=True)]
Position: TypeAlias = Annotated[float, Meta(ge=0, le=LONGEST_S, description="Media time in seconds.")]
Count: TypeAlias = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Milliseconds: TypeAlias = Annotated[int, Meta(ge=0, le=86_400_000)]
Kbps: TypeAlias = Annotated[int, Meta(ge=0, le=10_000_000, description="Kilobits per second.")]
Word: TypeAlias = Annotated[str, Meta(max_length=64)]
Text: TypeAlias = Annotated[str, Meta(max_length=500)]


class BaseEvent(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """An event. ``event_id`` is made once by the client; ``client_time`` is its clock's.

    ``time`` is the server's: ``client_time`` corrected (docs/architecture.md); whatever a client sends for
    it is overwritten. ``version`` is that of the event's type.
    """

    event_id: UUID
    client_time: Instant
    version: Annotated[int, Meta(ge=1, le=255)] = 1
    time: Instant = UNSTAMPED
