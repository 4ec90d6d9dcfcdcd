"""Items as people see them, and what may be changed of one. Durations in seconds, bit rates in bits/s."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from mcsp.contracts.media import ItemStatus
from mcsp.errors import Failure
from streaming_api.labels import TITLE_MAX

Visibility = Literal["public", "unlisted", "private"]


class RenditionView(msgspec.Struct, frozen=True, omit_defaults=True):
    """A rung of an item: queued, running, published or failed."""

    name: str
    kind: Literal["video", "audio"]
    codec: str
    bitrate: int
    recipe: str
    state: Literal["queued", "running", "published", "failed"]
    width: int | None = None
    height: int | None = None


class MediaItem(msgspec.Struct, frozen=True, kw_only=True):
    """An item. ``kind`` and ``duration_s`` are known once it was inspected; ``failure`` is its owner's alone.

    ``progress`` runs from 0 to 1; ``eta_s`` is null when nobody can say. ``completed_at``: when its file was
    whole, null before; lists for everyone go by it. ``poster_url`` is signed.
    """

    media_id: UUID
    kind: Literal["video", "audio"] | None
    status: ItemStatus
    audience: Literal["owner", "public", "held"]
    visibility: Visibility
    title: str
    duration_s: float | None
    renditions: list[RenditionView]
    failure: Failure | msgspec.UnsetType = msgspec.UNSET
    progress: float
    eta_s: float | None
    created_at: datetime
    completed_at: datetime | None
    poster_url: str | None


class ChangeMedia(msgspec.Struct, frozen=True):
    """``PATCH /v1/media/{id}``: what is absent stays."""

    title: Annotated[str, msgspec.Meta(min_length=1, max_length=TITLE_MAX)] | None = None
    visibility: Visibility | None = None
