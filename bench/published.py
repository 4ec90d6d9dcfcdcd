"""One published item that the benches of delivery share: who made it, where it plays, its segments."""

from dataclasses import dataclass
from functools import cache
from urllib.parse import urljoin

import httpx

from bench import clips
from bench.creator import Creator


@dataclass(frozen=True)
class Published:
    """An item that is `ready`: its id and the addresses of the segments of its largest rung."""

    media_id: str
    segments: list[str]


@cache
def published(api: str) -> Published:
    """Publishes a minute of 720p once and waits until it is finished."""
    creator = Creator(api)
    begun, parts = creator.send(clips.streamable(60))
    creator.complete(begun, parts)
    creator.seconds_until(begun.media_id, "ready")
    master = creator.call("GET", f"/v1/playback/{begun.media_id}")["hls_url"]
    lists = [_entries(playlist, "m4s") for playlist in _entries(master, "m3u8")]
    sizes = [_bytes(segments[0]) for segments in lists]
    return Published(begun.media_id, lists[sizes.index(max(sizes))])


def _entries(playlist: str, ending: str) -> list[str]:
    lines = httpx.get(playlist).raise_for_status().text.splitlines()
    return [urljoin(playlist, line) for line in lines if line.endswith(ending) and not line.startswith("#")]


def _bytes(url: str) -> int:
    return len(httpx.get(url).raise_for_status().content)
