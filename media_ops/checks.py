"""Is a package whole? The keys that a manifest version refers to, for comparing with what the store has."""

from collections.abc import Iterable
from uuid import UUID

from media_ops.manifests.rows import RenditionRow


def init_key(media_id: UUID, digest: str) -> str:
    """Key of a rendition's init segment."""
    return f"media/{media_id}/{digest}/init.mp4"


def segment_key(media_id: UUID, digest: str, number: int) -> str:
    """Key of a media segment."""
    return f"media/{media_id}/{digest}/{number}.m4s"


def manifest_prefix(media_id: UUID, version: int) -> str:
    """Where the manifests of a version live."""
    return f"media/{media_id}/m{version}"


def manifest_keys(media_id: UUID, version: int, renditions: Iterable[RenditionRow]) -> list[str]:
    """Keys of the manifests themselves: master, one playlist a rendition, MPD."""
    prefix = manifest_prefix(media_id, version)
    return [
        f"{prefix}/master.m3u8",
        *(f"{prefix}/{row.playlist}" for row in renditions),
        f"{prefix}/manifest.mpd",
    ]


def referenced_keys(media_id: UUID, renditions: Iterable[RenditionRow]) -> list[str]:
    """Every object that the manifests of these renditions refer to, apart from each other."""
    return [
        key
        for row in renditions
        for key in (
            init_key(media_id, row.digest),
            *(segment_key(media_id, row.digest, segment.number) for segment in row.segments),
        )
    ]
