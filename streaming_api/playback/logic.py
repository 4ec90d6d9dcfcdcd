"""Answers a play: entitlement by one query, addresses and session by signatures. Writes nothing."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from mcsp.errors import ConflictError, NotFoundError
from streaming_api.play_sessions import PlaySession, SessionKeys
from streaming_api.playback import repository
from streaming_api.playback.repository import Playable
from streaming_api.playback.schemas import Playback
from streaming_api.signer import PathSigner, expiry

FROM_THE_START = "#t=0"
"""Players begin a dynamic MPD at its newest segment unless told otherwise (ISO/IEC 23009-1, C.4)."""


@dataclass(frozen=True)
class Player:
    """What a play needs. ``clock`` gives Unix seconds."""

    pool: asyncpg.Pool
    signer: PathSigner
    sessions: SessionKeys
    clock: Callable[[], float] = time.time


async def play(player: Player, media_id: UUID, viewer_id: UUID | None) -> Playback:
    """Where the item plays for this caller.

    Raises NotFoundError for what the caller may not see, ConflictError while there is nothing to play yet.
    """
    item = await repository.playable(player.pool, media_id, viewer_id)
    if item is None:
        raise NotFoundError(
            "media_not_found", "There is no such item, or you may not see it.",
            action="Check its address; if it is private, log in as its owner.",
        )  # fmt: skip
    if item.manifest_version is None or item.prefix is None:
        raise ConflictError(
            "not_playable_yet",
            "This item does not play yet.",
            action="Wait until its status is playable or ready.",
        )
    return _answer(player, item, item.prefix, item.manifest_version, viewer_id)


def _answer(player: Player, item: Playable, prefix: str, version: int, viewer_id: UUID | None) -> Playback:
    now = player.clock()
    expires = expiry(now, item.duration_s)
    base, own = player.signer.base(item.media_id, expires), f"media/{item.media_id}"
    manifests = base + prefix.removeprefix(own)
    session = PlaySession(item.media_id, player.sessions.viewer(viewer_id), int(now * 1000))
    return Playback(
        media_id=item.media_id,
        hls_url=f"{manifests}/master.m3u8",
        dash_url=f"{manifests}/manifest.mpd{FROM_THE_START if item.growing else ''}",
        poster_url=base + item.poster_key.removeprefix(own) if item.poster_key else None,
        session_id=player.sessions.issue(session),
        expires_at=expires,
        duration_s=item.duration_s,
        manifest_version=version,
        growing=bool(item.growing),
    )
