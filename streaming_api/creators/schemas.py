"""The answers of creators. Times are UTC; buckets begin at ``at`` and hold the plays that started in them."""

from datetime import datetime
from typing import Literal
from uuid import UUID

import msgspec

Grain = Literal["total", "hour", "day"]


class Refused(msgspec.Struct, frozen=True):
    """Plays that are no views, by the first reason that holds (see the view rule)."""

    bot_agent: int = 0
    own_play: int = 0
    too_short: int = 0
    repeat: int = 0


class MetricsRow(msgspec.Struct, frozen=True):
    """One bucket; ``at`` is null for ``total``. ``plays`` leaves out bots and the owner's own."""

    at: datetime | None
    views: int
    watch_time_s: float
    unique_viewers: int
    plays: int
    refused: Refused


class Metrics(msgspec.Struct, frozen=True):
    """Numbers by bucket, oldest first; buckets in which nothing started are left out, ``total`` is one row.

    ``complete_until``: every event that was received before this is counted; null while nobody can say.
    ``receipt_id``: what the answer was made of, at ``/v1/creators/me/receipts/{id}``.
    """

    rows: list[MetricsRow]
    complete_until: datetime | None
    rule_version: int
    receipt_id: str


class Minute(msgspec.Struct, frozen=True):
    """Plays that started in a minute, the views among them so far, and sessions that played in it."""

    at: datetime
    plays: int
    views: int
    watching: int


class Live(msgspec.Struct, frozen=True):
    """The last 60 minutes, each of them, oldest first, and who watches now (sessions)."""

    as_of: datetime
    now_watching: int
    plays: int
    views: int
    minutes: list[Minute]
    complete_until: datetime | None
    rule_version: int


class ItemNumbers(msgspec.Struct, frozen=True):
    """One item of the creator with its numbers since the beginning."""

    media_id: UUID
    title: str
    created_at: datetime
    deleted: bool
    duration_s: float | None
    views: int
    watch_time_s: float
    unique_viewers: int
    plays: int


class Items(msgspec.Struct, frozen=True):
    """The creator's items, most views first."""

    items: list[ItemNumbers]
    complete_until: datetime | None
    rule_version: int


class ReceiptQuery(msgspec.Struct, frozen=True, rename={"since": "from", "until": "to"}):
    """What was asked; null: every item, from the beginning, open."""

    media_id: UUID | None
    since: datetime | None
    until: datetime | None
    grain: Grain


class ReceiptItem(msgspec.Struct, frozen=True):
    """An item that was counted, with the length that the rule took (milliseconds; 0: not known)."""

    media_id: UUID
    length_ms: int


class Inputs(msgspec.Struct, frozen=True):
    """All that an answer was made of: its SHA-256 is the receipt's id.

    ``offsets``: of each partition of ``topic`` every row below this offset was counted, and no other.
    """

    owner_id: UUID
    query: ReceiptQuery
    rule_version: int
    topic: str
    offsets: list[int]
    items: list[ReceiptItem]


class Receipt(msgspec.Struct, frozen=True):
    """A receipt. ``answer_sha256`` is the digest of the rows that were given out first for these inputs."""

    receipt_id: str
    made_at: datetime
    inputs: Inputs
    rule: list[str]
    answer_sha256: str
    complete_until: datetime | None
    sealed: bool
