"""Messages of ``events.raw`` as they are read, and what makes one poison. No store is known here."""

from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
from aiokafka import ConsumerRecord

from mcsp.contracts.events import Received

VERSIONS = frozenset({1})
"""Of the contract, that this collector knows."""
MOST_EVENTS = 65_535
_FIRST, _LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""A server's clock outside of these is broken; ClickHouse could not hold it either."""


class PoisonError(Exception):
    """A message that can never be loaded as it is: ``code`` for machines, the message for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class _Parts(msgspec.Struct):
    events: tuple[msgspec.Raw, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """A good message: where it stands, what it says, and each event's JSON as received."""

    topic: str
    partition: int
    offset: int
    received: Received
    payloads: tuple[msgspec.Raw, ...]


_received = msgspec.json.Decoder(Received)
_parts = msgspec.json.Decoder(_Parts)


def read(record: ConsumerRecord) -> Message:
    """The message of a record. Raises PoisonError with the reason."""
    value = record.value or b""
    try:
        received, parts = _received.decode(value), _parts.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PoisonError("unreadable", str(error)) from error
    if received.version not in VERSIONS:
        raise PoisonError("unknown_version", f"version {received.version}, known are {sorted(VERSIONS)}")
    if len(received.events) > MOST_EVENTS:
        raise PoisonError("too_many_events", f"{len(received.events)} events, at most {MOST_EVENTS}")
    instants = [received.received_at, *(event.time for event in received.events)]
    if received.started_at is not None:
        instants.append(received.started_at)
    if not all(_FIRST <= instant < _LAST for instant in instants):
        raise PoisonError("impossible_time", "a server's time is before 2000 or after 2199")
    return Message(record.topic, record.partition, record.offset, received, parts.events)
