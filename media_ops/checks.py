"""Is a package whole? The keys that a manifest version refers to, for comparing with what the store has."""

from collections.abc import Iterable
from uuid import UUID

from media_ops import keys
from media_ops.manifests.rows import RenditionRow


def manifest_keys(media_id: UUID, version: int, renditions: Iterable[RenditionRow]) -> list[str]:
    """Keys of the manifests themselves: master, one playlist a rendition, MPD."""
    names = ("master.m3u8", *(row.playlist for row in renditions), "manifest.mpd")
    return [f"{keys.manifests(media_id, version)}/{name}" for name in names]


def referenced_keys(media_id: UUID, renditions: Iterable[RenditionRow]) -> list[str]:
    """Every object that the manifests of these renditions refer to, apart from each other."""
    return [
        key
        for row in renditions
        for key in (
            keys.init(media_id, row.digest),
            *(keys.segment(media_id, row.digest, segment.number) for segment in row.segments),
        )
    ]
