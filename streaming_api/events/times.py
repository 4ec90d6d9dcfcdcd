"""The server's time of an event: the client's clock, corrected within bounds.

An event is never later than it was received and never earlier than its session's start. A clock counts as
wrong when it is more than ``TOLERANCE`` off; then the difference is added. With ``sent_at`` the difference is
known. Without it a clock is wrong only where a time cannot be true (after it was received, or before the
session began): an honest phone that was offline sends late, and its events keep their hour.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from mcsp.contracts.events import Event

TOLERANCE = timedelta(minutes=5)
WITHOUT_SESSION = timedelta(days=1)
"""How late an event without a session may come and still be believed."""


def stamp(
    events: Sequence[Event], received_at: datetime, started_at: datetime | None, sent_at: datetime | None
) -> tuple[Event, ...]:
    """The events with their ``time``; all are of one session. Times come out in UTC."""
    earliest = started_at or received_at - WITHOUT_SESSION
    shift = _shift([event.client_time for event in events], received_at, earliest, sent_at)
    return tuple(
        _stamped(event, received_at, earliest, shift, everything=sent_at is not None) for event in events
    )


def _shift(
    times: Sequence[datetime], received_at: datetime, earliest: datetime, sent_at: datetime | None
) -> timedelta:
    """What is added to a wrong clock: so that the newest impossible event was just now."""
    if sent_at is not None:
        shift = received_at - sent_at
        return shift if abs(shift) > TOLERANCE else timedelta()
    wrong = [time for time in times if not _possible(time, received_at, earliest)]
    return received_at - max(wrong) if wrong else timedelta()


def _possible(time: datetime, received_at: datetime, earliest: datetime) -> bool:
    return earliest - TOLERANCE <= time <= received_at + TOLERANCE


def _stamped(
    event: Event, received_at: datetime, earliest: datetime, shift: timedelta, *, everything: bool
) -> Event:
    client_time = event.client_time.astimezone(UTC)
    moved = everything or not _possible(client_time, received_at, earliest)
    time = min(max(client_time + shift if moved else client_time, earliest), received_at)
    return msgspec.structs.replace(event, client_time=client_time, time=time)
