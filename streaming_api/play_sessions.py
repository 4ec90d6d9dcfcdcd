"""Play sessions: an opaque signed token of (media, viewer pseudonym, start), so that a play writes nothing.

Whoever counts plays reads it with the same key. What does not belong here: the viewer's identity, which a
pseudonym hides, and any storage.
"""

import base64
import binascii
import hashlib
import hmac
import os
import struct
from uuid import UUID

import msgspec

from mcsp.errors import InvalidInputError

_BODY = struct.Struct(">B16s16sQ")
_VERSION = 1
_MAC_BYTES = 16


class PlaySession(msgspec.Struct, frozen=True):
    """What a session id says: the item, who watches (a pseudonym of 16 bytes), since when (Unix ms)."""

    media_id: UUID
    viewer: bytes
    started_ms: int


class SessionKeys:
    """Makes and reads session ids. Both keys derive from one secret and serve for nothing else.

    Raises ValueError for an empty secret: anyone could make a session for it.
    """

    def __init__(self, secret: str) -> None:
        if not secret:
            raise ValueError("play sessions need MCSP_PLAY_SESSION_KEY (a secret of its own)")
        self._mac = _derived(secret, b"play-session")
        self._pseudonyms = _derived(secret, b"viewer-pseudonym")

    def viewer(self, user_id: UUID | None) -> bytes:
        """The pseudonym of a person, the same at each play; of somebody unknown, a new one each time."""
        if user_id is None:
            return os.urandom(16)
        return _digest(self._pseudonyms, user_id.bytes)

    def issue(self, session: PlaySession) -> str:
        """The session id: URL-safe, 76 characters."""
        body = _BODY.pack(_VERSION, session.media_id.bytes, session.viewer, session.started_ms)
        return base64.urlsafe_b64encode(body + _digest(self._mac, body)).decode()

    def read(self, session_id: str) -> PlaySession:
        """What the id says; InvalidInputError when we did not make it."""
        raw = _decoded(session_id)
        body, mac = raw[: _BODY.size], raw[_BODY.size :]
        if len(body) != _BODY.size or not hmac.compare_digest(_digest(self._mac, body), mac):
            raise InvalidInputError(
                "unknown_session", "This session was not given by playback.",
                action="Ask for playback of the item and send the session that it gives.",
            )  # fmt: skip
        _, media_id, viewer, started_ms = _BODY.unpack(body)
        return PlaySession(UUID(bytes=media_id), viewer, started_ms)


def _decoded(session_id: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(session_id.encode("ascii"))
    except (UnicodeEncodeError, binascii.Error):
        return b""


def _derived(secret: str, purpose: bytes) -> "hmac.HMAC":
    key = hmac.digest(secret.encode(), b"mcsp " + purpose, hashlib.sha256)
    return hmac.new(key, digestmod=hashlib.sha256)


def _digest(mac: "hmac.HMAC", message: bytes) -> bytes:
    copy = mac.copy()
    copy.update(message)
    return copy.digest()[:_MAC_BYTES]
