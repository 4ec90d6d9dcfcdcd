"""One event as a client sent it becomes one of the contract, or is refused with a code.

Codes: ``not_an_object unknown_type missing_field bad_event_id bad_time bad_intervals bad_field
unknown_version``. What does not belong here: whose event it is (``belonging``).
"""

from datetime import UTC, datetime
from typing import Any

import msgspec

from mcsp.contracts.events import TYPES, Event, Heartbeat, PlayEnd
from mcsp.errors import InvalidInputError

VERSIONS = (1,)
"""The versions of the types of event that are understood."""

LONGEST_INTERVAL_S = 86_400
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
MEND = "Send it again as a new event that fits the schema (GET /v1/events/schema)."
_BY_FIELD = {"event_id": "bad_event_id", "client_time": "bad_time", "watched": "bad_intervals"}


def read(raw: Any) -> Event:
    """The event. Raises InvalidInputError with the event's code."""
    if not isinstance(raw, dict):
        raise InvalidInputError("not_an_object", "An event is an object.", action=MEND)
    named = raw.get("type")
    kind = TYPES.get(named) if isinstance(named, str) else None
    if kind is None:
        code = "unknown_type" if "type" in raw else "missing_field"
        raise InvalidInputError(code, f"The type is one of {', '.join(TYPES)}.", action=MEND)
    if "time" in raw:
        raw = {name: value for name, value in raw.items() if name != "time"}
    try:
        event: Any = msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        raise InvalidInputError(*_code(str(error)), action=MEND) from error
    _check(event)
    return event


def _code(message: str) -> tuple[str, str]:
    what, _, path = message.partition(" - at `$")
    field = path.lstrip(".").split("[")[0].rstrip("`")
    if "missing required field" in what:
        return "missing_field", message
    if field == "version":
        return "unknown_version", message
    return _BY_FIELD.get(field, "bad_field"), message


def _check(event: Event) -> None:
    """What the types do not say."""
    if event.version not in VERSIONS:
        raise InvalidInputError("unknown_version", f"Version {event.version} is not known here.", action=MEND)
    if not EARLIEST <= event.client_time < LATEST:
        raise InvalidInputError("bad_time", "client_time is before 1970 or after 2199.", action=MEND)
    if isinstance(event, Heartbeat | PlayEnd):
        for start, end in event.watched:
            if end < start or end - start > LONGEST_INTERVAL_S:
                raise InvalidInputError(
                    "bad_intervals", "An interval goes from a second to a later one.", action=MEND
                )
