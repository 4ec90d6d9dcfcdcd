"""The answer of playback."""

from uuid import UUID

import msgspec


class Playback(msgspec.Struct, frozen=True):
    """Where an item plays. The addresses are signed until ``expires_at`` (Unix seconds); relative references
    inside the manifests are covered. ``growing``: renditions are still being made, ask again for a newer
    ``manifest_version``. ``duration_s`` is in seconds. ``dash_url`` ends in ``#t=0`` while it grows, so that
    DASH players begin at 0 and not at the newest segment."""

    media_id: UUID
    hls_url: str
    dash_url: str
    poster_url: str | None
    session_id: str
    expires_at: int
    duration_s: float | None
    manifest_version: int
    growing: bool
