"""What a finished version shows to viewers, read back from the store by other people's parsers.

What does not belong here: what it ought to show; that is in the rows.
"""

from pathlib import PurePosixPath

import m3u8
from mpegdash.parser import MPEGDASHParser

from mcsp.s3 import ObjectStore


async def lists(store: ObjectStore, bucket: str, prefix: str) -> dict[str, list[int]]:
    """The numbers of the segments in each media playlist of the master, by its name; each must end."""
    master = m3u8.loads((await store.get(bucket, f"{prefix}/master.m3u8")).decode())
    names = {entry.uri for entry in (*master.playlists, *master.media) if entry.uri}
    shown = {}
    for name in names:
        playlist = m3u8.loads((await store.get(bucket, f"{prefix}/{name}")).decode())
        assert playlist.is_endlist, f"{name} does not end"
        shown[name.removesuffix(".m3u8")] = [
            int(PurePosixPath(one.uri or "").stem) for one in playlist.segments
        ]
    return shown


async def representations(store: ObjectStore, bucket: str, prefix: str) -> dict[str, int]:
    """How many segments each Representation of a static MPD has, by its id."""
    mpd = MPEGDASHParser.parse((await store.get(bucket, f"{prefix}/manifest.mpd")).decode())
    assert mpd.type == "static"
    return {
        one.id: sum(1 + (entry.r or 0) for entry in one.segment_templates[0].segment_timelines[0].Ss)
        for period in mpd.periods
        for adaptation in period.adaptation_sets
        for one in adaptation.representations
    }
