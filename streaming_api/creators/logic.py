"""A creator's numbers: which items are theirs, how far rows are complete, what the rule makes of them.

Progress is read first and only rows below its offsets are counted: the answer is a function of what its
receipt names, whatever is loaded meanwhile.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from mcsp.errors import InvalidInputError, NotFoundError
from streaming_api.creators import receipts, repository
from streaming_api.creators.repository import Item
from streaming_api.creators.schemas import (
    Grain,
    ItemNumbers,
    Items,
    Metrics,
    MetricsRow,
    ReceiptQuery,
    Refused,
)
from streaming_api.creators.state import Creators
from warehouse.views.progress import PROGRESS_SQL, Progress, progress_of
from warehouse.views.rule import CURRENT, REASONS
from warehouse.views.sql import COLUMNS, MOST_ITEMS, numbers_sql
from warehouse.views.sql import Grain as AnyGrain

FIRST, LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""No play started before or after: times beyond are taken as these."""


@dataclass(frozen=True)
class Span:
    """A range of time in UTC, its end excluded; None where it is open."""

    since: datetime | None = None
    until: datetime | None = None

    @property
    def micros(self) -> dict[str, int]:
        """The parameters of a question."""
        return {"since": micros(self.since or FIRST), "until": micros(self.until or LAST)}


def span_of(since: datetime | None, until: datetime | None) -> Span:
    """The range that was asked for. Raises InvalidInputError where it is none."""
    span = Span(_checked("from", since), _checked("to", until))
    if span.since and span.until and span.since > span.until:
        raise InvalidInputError(
            "bad_range", "“from” lies after “to”.", action="Take a range that ends after it begins."
        )
    return span


def _checked(name: str, moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    if moment.tzinfo is None:
        raise InvalidInputError(
            "no_zone", f"“{name}” has no time zone.", action="Write it like 2026-11-24T10:00:00Z."
        )
    return min(max(moment, FIRST), LAST).astimezone(UTC)


async def metrics(
    creators: Creators, owner_id: UUID, media_id: UUID | None, span: Span, grain: Grain
) -> Metrics:
    """Numbers by bucket with their receipt. Raises NotFoundError for an item that is not the owner's."""
    items = await items_of(creators, owner_id, media_id)
    progress = await progress_now(creators)
    found = await ask(creators, owner_id, items, progress, span, grain)
    rows = [_row(numbers) for numbers in found]
    if grain == "total" and not rows:
        rows = [MetricsRow(None, 0, 0.0, 0, 0, Refused())]
    query = ReceiptQuery(media_id, span.since, span.until, grain)
    receipt_id = await receipts.keep(creators.pool, owner_id, query, items, progress, rows)
    return Metrics(rows, progress.complete_until, CURRENT.version, receipt_id)


async def by_item(creators: Creators, owner_id: UUID, span: Span) -> Items:
    """Each item of the owner with its numbers."""
    items = await items_of(creators, owner_id, None)
    progress = await progress_now(creators)
    found = {
        numbers["at"]: numbers for numbers in await ask(creators, owner_id, items, progress, span, "item")
    }
    rows = [_item(item, found.get(item.media_id)) for item in items]
    rows.sort(key=lambda row: (-row.views, -row.plays, -row.created_at.timestamp()))
    return Items(rows, progress.complete_until, CURRENT.version)


async def items_of(creators: Creators, owner_id: UUID, media_id: UUID | None) -> list[Item]:
    """The owner's items, or the one named. Raises NotFoundError where that is not theirs."""
    items = await repository.items(creators.pool, owner_id, media_id)
    if media_id is not None and not items:
        raise NotFoundError(
            "media_not_found",
            "There is no such item, or it is not yours.",
            action="Choose one of your items.",
        )
    if len(items) > MOST_ITEMS:
        raise InvalidInputError(
            "too_many_items",
            f"Numbers of more than {MOST_ITEMS} items at once are not possible.",
            action="Ask for one item with media_id.",
        )
    return items


async def progress_now(creators: Creators) -> Progress:
    """How far rows are complete now."""
    rows = await creators.reader.rows(PROGRESS_SQL)
    return progress_of((int(number), int(following), up_to) for number, following, up_to in rows)


async def ask(
    creators: Creators,
    owner_id: UUID,
    items: Sequence[Item],
    progress: Progress,
    span: Span,
    grain: AnyGrain,
) -> list[dict[str, Any]]:
    """The rule's answer, a dict of ``COLUMNS`` a bucket."""
    if not items:
        return []
    sql = numbers_sql(CURRENT, {item.media_id: item.length_ms for item in items}, grain)
    parameters = {"next": list(progress.next_offsets), "owner": pseudonym(creators, owner_id), **span.micros}
    return [dict(zip(COLUMNS, row, strict=True)) for row in await creators.reader.rows(sql, parameters)]


def pseudonym(creators: Creators, owner_id: UUID) -> str:
    """The owner as a viewer: 32 hexadecimal digits."""
    return creators.sessions.viewer(owner_id).hex()


def micros(moment: datetime) -> int:
    """Unix microseconds."""
    return (moment - FIRST) // timedelta(microseconds=1)


def as_utc(moment: datetime) -> datetime:
    """A time from ClickHouse, whose client leaves out the zone of UTC columns."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _row(numbers: dict[str, Any]) -> MetricsRow:
    at = numbers["at"]
    refused = Refused(**{reason: numbers[reason] for reason in REASONS})
    return MetricsRow(
        at=None if at is None else as_utc(at), refused=refused, plays=numbers["plays"], **_shown(numbers)
    )


def _shown(numbers: dict[str, Any]) -> dict[str, Any]:
    return {
        "views": numbers["views"],
        "watch_time_s": numbers["watch_ms"] / 1000,
        "unique_viewers": numbers["viewers"],
    }


def _item(item: Item, numbers: dict[str, Any] | None) -> ItemNumbers:
    numbers = numbers or {"views": 0, "watch_ms": 0, "viewers": 0, "plays": 0}
    return ItemNumbers(
        media_id=item.media_id,
        title=item.title,
        created_at=item.created_at,
        deleted=item.deleted,
        duration_s=item.duration_s,
        plays=numbers["plays"],
        **_shown(numbers),
    )
