"""Messages of ``media.jobs``, ``media.jobs.dlq`` and ``media.lifecycle``; the key is the media id.

Messages only wake and tell: PostgreSQL decides. Receiving one twice, late or never does no harm.
"""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

from mcsp.errors import Failure

Lane = Literal["inspect", "audio", "video", "video-gpu"]
JobKind = Literal["inspect", "copy", "encode", "audio", "art", "purge"]
ItemStatus = Literal[
    "uploading", "inspecting", "processing", "playable", "ready", "held", "rejected", "failed", "deleted"
]


class JobWake(msgspec.Struct, frozen=True):
    """``media.jobs``: a job is due."""

    media_id: UUID
    job_id: UUID
    kind: JobKind
    lane: Lane


class DeadJob(msgspec.Struct, frozen=True):
    """``media.jobs.dlq``: a job nobody will try again by itself; ``mcsp jobs replay`` does."""

    media_id: UUID
    job_id: UUID
    source_version: int
    kind: JobKind
    lane: Lane
    rungs: list[str]
    attempts: int
    lost_leases: int
    failure: Failure
    detail: str
    died_at: datetime


class Lifecycle(msgspec.Struct, frozen=True):
    """``media.lifecycle``: an item or one of its renditions changed state.

    ``partition_at`` is the source's ``completed_at``: the hour whose Dagster partition changed.
    """

    media_id: UUID
    source_version: int
    event: Literal["item", "rendition", "manifest", "art"]
    status: ItemStatus
    partition_at: datetime
    at: datetime
    rendition: str | None = None
    rendition_state: str | None = None
    manifest_version: int | None = None
    failure: Failure | None = None
