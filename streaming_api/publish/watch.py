"""Following an item until it plays, and until it is finished or has failed."""

import asyncio
from collections.abc import Callable

import msgspec

from mcsp.errors import Failure
from streaming_api.publish.api import Api

PLAYABLE = frozenset({"playable", "ready"})
FINAL = frozenset({"ready", "rejected", "failed", "held", "deleted"})
POLL_S = 0.25


class Rendition(msgspec.Struct, frozen=True):
    """A rendition and how far it is."""

    name: str
    state: str


class Media(msgspec.Struct, frozen=True):
    """What is shown of an item while it is made; ``progress`` is 0 … 1, ``eta_s`` in seconds."""

    media_id: str
    status: str
    renditions: list[Rendition] = []
    progress: float | None = None
    eta_s: float | None = None
    failure: Failure | None = None


class Playback(msgspec.Struct, frozen=True):
    """Where an item plays."""

    hls_url: str
    dash_url: str
    session_id: str
    poster_url: str | None = None


async def follow(api: Api, media_id: str, seen: Callable[[Media], None], *, until: frozenset[str]) -> Media:
    """Ask for the item until its status is one of ``until`` or final; ``seen`` is told each answer."""
    while True:
        media = await api.call("GET", f"/v1/media/{media_id}", Media)
        seen(media)
        if media.status in until or media.status in FINAL:
            return media
        await asyncio.sleep(POLL_S)


async def playback_of(api: Api, media_id: str) -> Playback:
    """The addresses under which the item plays."""
    return await api.call("GET", f"/v1/playback/{media_id}", Playback)
