"""The last hour by minute and who watches now: small enough to be asked every few seconds."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from streaming_api.creators import logic
from streaming_api.creators.schemas import Live, Minute
from streaming_api.creators.state import Creators
from warehouse.views.live import watching_sql
from warehouse.views.rule import CURRENT

MINUTES = 60


async def show(creators: Creators, owner_id: UUID, media_id: UUID | None) -> Live:
    """The answer for all of the owner's items or one. Raises NotFoundError where that is not theirs."""
    items = await logic.items_of(creators, owner_id, media_id)
    progress = await logic.progress_now(creators)
    now = datetime.fromtimestamp(creators.clock(), UTC)
    first = now.replace(second=0, microsecond=0) - timedelta(minutes=MINUTES - 1)
    begun = {
        logic.as_utc(numbers["at"]): numbers
        for numbers in await logic.ask(creators, owner_id, items, progress, logic.Span(since=first), "minute")
    }
    watching: dict[datetime | None, int] = {}
    if items:
        parameters = {
            "next": list(progress.next_offsets),
            "owner": logic.pseudonym(creators, owner_id),
            "since": logic.micros(first),
            "now": logic.micros(now),
        }
        sql = watching_sql({item.media_id: item.length_ms for item in items})
        rows = await creators.reader.rows(sql, parameters)
        watching = {at and logic.as_utc(at): count for at, count in rows}
    minutes = [
        Minute(
            at=at,
            plays=begun[at]["plays"] if at in begun else 0,
            views=begun[at]["views"] if at in begun else 0,
            watching=watching.get(at, 0),
        )
        for at in (first + timedelta(minutes=number) for number in range(MINUTES))
    ]
    return Live(
        as_of=now,
        now_watching=watching.get(None, 0),
        plays=sum(minute.plays for minute in minutes),
        views=sum(minute.views for minute in minutes),
        minutes=minutes,
        complete_until=progress.complete_until,
        rule_version=CURRENT.version,
    )
