"""The request and the answer of ``POST /v1/events``."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from mcsp.contracts.events.base import Instant


class Batch(msgspec.Struct, frozen=True):
    """Events as a client sends them; ``GET /v1/events/schema`` describes one, beside whose fields stand
    ``media_id``, ``session_id`` and ``source``. ``sent_at`` is the client's clock when it
    sends: with it a wrong clock is told from an event that comes late."""

    events: list[Any]
    sent_at: Instant | None = None


class Refused(msgspec.Struct, frozen=True):
    """An event that was not taken, by its place in the request. Sending it again unchanged does not help."""

    index: int
    event_id: str | None
    code: str
    detail: Annotated[str, Meta(description="What is wrong with it, for developers.")] = ""


class Receipt(msgspec.Struct, frozen=True):
    """How many events Kafka holds now, and which were refused."""

    accepted: int
    rejected: list[Refused]
