"""Takes a batch: reads each event, groups them by session, reduces who sent them, and gives them to Kafka."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
from prometheus_client import Counter

from mcsp.contracts.events import Event, Received
from mcsp.errors import InvalidInputError, TooLargeError
from streaming_api.events.belonging import Belonging, Belongings
from streaming_api.events.countries import Countries
from streaming_api.events.reading import MEND, read
from streaming_api.events.reduction import LONGEST_AGENT, agent_of, network_of
from streaming_api.events.schemas import Batch, Receipt, Refused
from streaming_api.events.sender import Sender
from streaming_api.events.times import stamp
from streaming_api.play_sessions import SessionKeys

MOST_EVENTS = 1000
LONGEST_SOURCE = 64

ACCEPTED = Counter("mcsp_events_accepted_total", "Events that Kafka acknowledged")
REFUSED = Counter("mcsp_events_refused_total", "Events refused at the door", ["code"])


@dataclass(frozen=True)
class Door:
    """What the service needs. ``clock`` gives the time of receipt (UTC)."""

    sender: Sender
    sessions: SessionKeys
    countries: Countries
    name: str
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)


@dataclass(frozen=True)
class Sent:
    """Who sent a request: not kept, but for what ``reduction`` leaves of it."""

    request_id: str
    user_id: UUID | None
    address: str
    user_agent: str


@dataclass
class _Group:
    """Events of one session in a request."""

    belonging: Belonging
    source: str | None = None
    events: list[Event] = field(default_factory=list)


async def take(door: Door, batch: Batch, sent: Sent) -> Receipt:
    """What was taken and what not. Raises TooLargeError; UnavailableError when Kafka has not taken all."""
    if len(batch.events) > MOST_EVENTS:
        raise TooLargeError(
            "too_many_events",
            f"A request holds at most {MOST_EVENTS} events.",
            limit=MOST_EVENTS,
            action="Send them in several requests.",
        )
    received_at = door.clock()
    groups, refused = _sorted_out(batch.events, Belongings(door.sessions, sent.user_id, received_at))
    messages = [_message(door, group, batch, sent, received_at) for group in groups]
    await door.sender.send(messages)
    accepted = len(batch.events) - len(refused)
    ACCEPTED.inc(accepted)
    for one in refused:
        REFUSED.labels(one.code).inc()
    return Receipt(accepted, refused)


def _sorted_out(events: list[Any], belongings: Belongings) -> tuple[Iterable[_Group], list[Refused]]:
    groups: dict[Belonging, _Group] = {}
    refused: list[Refused] = []
    for index, raw in enumerate(events):
        try:
            event = read(raw)
            belonging, source = belongings.of(raw, event), _source(raw.get("source"))
        except InvalidInputError as error:
            refused.append(Refused(index, _told_id(raw), error.code, error.message[:200]))
            continue
        group = groups.get(belonging) or groups.setdefault(belonging, _Group(belonging))
        group.source = group.source or source
        group.events.append(event)
    return groups.values(), refused


def _message(
    door: Door, group: _Group, batch: Batch, sent: Sent, received_at: datetime
) -> tuple[bytes, bytes]:
    """Key and value of the group's message."""
    whose, agent = group.belonging, agent_of(sent.user_agent[:LONGEST_AGENT])
    message = Received(
        received_at=received_at,
        received_by=door.name,
        request_id=sent.request_id,
        session_id=whose.session_id,
        media_id=whose.media_id,
        viewer=whose.viewer,
        started_at=whose.started_at,
        country=door.countries.of(sent.address),
        network=network_of(sent.address),
        device=agent.device,
        agent=agent.family,
        source=group.source,
        events=stamp(group.events, received_at, whose.started_at, batch.sent_at),
    )
    return (whose.session_id or whose.viewer).encode(), msgspec.json.encode(message)


def _source(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > LONGEST_SOURCE:
        raise InvalidInputError(
            "bad_field", f"source is text of at most {LONGEST_SOURCE} characters.", action=MEND
        )
    return value or None


def _told_id(raw: Any) -> str | None:
    told = raw.get("event_id") if isinstance(raw, dict) else None
    return told if isinstance(told, str) and len(told) <= 64 else None
