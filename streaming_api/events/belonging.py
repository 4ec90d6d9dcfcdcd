"""Whose an event is: the session that playback signed says item, viewer and start; nothing is looked up.

Codes: ``missing_field unknown_session session_expired session_mismatch foreign_session bad_field``.
"""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from mcsp.contracts.events import Event, Impression
from mcsp.errors import InvalidInputError
from streaming_api.play_sessions import PlaySession, SessionKeys

ASK = "Ask playback for a session of the item, and send the events with it."
OLDEST = timedelta(days=7)
"""How long after its start a session may still tell: as long as Kafka keeps what it told."""


class Belonging(msgspec.Struct, frozen=True):
    """A session and its item; ``session_id`` is "" (and there is no start) where there is no session."""

    session_id: str
    media_id: UUID
    viewer: str
    started_at: datetime | None


class Belongings:
    """Finds whose the events of one request are. ``user_id`` is the caller's, where somebody is logged in."""

    def __init__(self, keys: SessionKeys, user_id: UUID | None, received_at: datetime) -> None:
        self._keys, self._received_at = keys, received_at
        self._caller = keys.viewer(user_id)
        self._is_known = user_id is not None
        self._read: dict[str, PlaySession] = {}

    def of(self, raw: dict[str, Any], event: Event) -> Belonging:
        """Raises InvalidInputError with the event's code."""
        media_id, session_id = _media_id(raw.get("media_id")), raw.get("session_id")
        if session_id is None or session_id == "":
            return self._without_session(media_id, event)
        if not isinstance(session_id, str) or len(session_id) > 200:
            raise InvalidInputError("unknown_session", "This session was not given by playback.", action=ASK)
        session = self._session(session_id)
        if media_id is None:
            raise InvalidInputError("missing_field", "Events of a session need media_id.", action=ASK)
        if media_id != session.media_id:
            raise InvalidInputError("session_mismatch", "The session is one of another item.", action=ASK)
        started_at = min(_moment(session.started_ms), self._received_at)
        return Belonging(session_id, session.media_id, session.viewer.hex(), started_at)

    def _without_session(self, media_id: UUID | None, event: Event) -> Belonging:
        if media_id is None or not isinstance(event, Impression):
            missing = "media_id" if media_id is None else "session_id"
            raise InvalidInputError("missing_field", f"{missing} is missing.", action=ASK)
        return Belonging("", media_id, self._caller.hex(), None)

    def _session(self, session_id: str) -> PlaySession:
        if (known := self._read.get(session_id)) is not None:
            return known
        session = self._keys.read(session_id)
        if self._received_at - _moment(session.started_ms) > OLDEST:
            raise InvalidInputError(
                "session_expired", f"The session began over {OLDEST.days} days ago.", action=ASK
            )
        if self._is_known and session.viewer != self._caller:
            raise InvalidInputError("foreign_session", "The session was given to somebody else.", action=ASK)
        self._read[session_id] = session
        return session


def _media_id(value: Any) -> UUID | None:
    if value is None:
        return None
    try:
        return msgspec.convert(value, UUID)
    except msgspec.ValidationError as error:
        raise InvalidInputError("bad_field", f"media_id: {error}", action=ASK) from error


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
