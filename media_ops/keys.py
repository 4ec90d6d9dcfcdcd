"""Keys of the media bucket (docs/architecture.md, Objects): the one place that spells them.

What does not belong here: the source bucket's keys, which uploads chooses.
"""

from uuid import UUID

IMMUTABLE = "public, max-age=31536000, immutable"
GROWING = "public, max-age=1"
FINISHED = "public, max-age=3600"


def prefix(media_id: UUID) -> str:
    """Everything of an item; what one signature covers."""
    return f"media/{media_id}/"


def rung(media_id: UUID, digest: str) -> str:
    """Everything of a rendition."""
    return f"{prefix(media_id)}{digest}/"


def init(media_id: UUID, digest: str) -> str:
    """The initialisation segment of a rendition."""
    return f"{rung(media_id, digest)}init.mp4"


def segment(media_id: UUID, digest: str, number: int) -> str:
    """Media segment ``number`` (from 0) of a rendition."""
    return f"{rung(media_id, digest)}{number}.m4s"


def manifests(media_id: UUID, version: int) -> str:
    """The folder of a manifest version, without a slash at its end."""
    return f"{prefix(media_id)}m{version}"


def art(media_id: UUID, name: str, digest: str, extension: str) -> str:
    """A picture of an item; ``digest`` is of its content."""
    return f"{prefix(media_id)}art/{name}-{digest}.{extension}"
