"""Routes of creators: all below ``/v1/creators/me``, whoever calls comes first and sees theirs alone."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter

from streaming_api.creators import live, logic, receipts
from streaming_api.creators.schemas import Grain, Items, Live, Metrics, Receipt
from streaming_api.creators.state import Creators
from streaming_api.frame.callers import Person

From = Annotated[datetime | None, QueryParameter(name="from", description="RFC 3339, with a zone.")]
To = Annotated[datetime | None, QueryParameter(name="to", description="Plays that started before this.")]


@get("/v1/creators/me/metrics", tags=["creators"], summary="My numbers")
async def show_metrics(
    person: NamedDependency[Person],
    creators: NamedDependency[Creators],
    media_id: FromQuery[UUID | None] = None,
    since: From = None,
    until: To = None,
    grain: FromQuery[Grain] = "total",
) -> Metrics:
    """Views, watch time and viewers of all my items or of one, open hours included.

    A play belongs to the bucket (UTC) in which it started. 404 for an item that is not mine.
    """
    return await logic.metrics(creators, person.user_id, media_id, logic.span_of(since, until), grain)


@get("/v1/creators/me/items", tags=["creators"], summary="My items with their numbers")
async def list_items(
    person: NamedDependency[Person], creators: NamedDependency[Creators], since: From = None, until: To = None
) -> Items:
    """Every item that could be played, deleted ones too, most views first."""
    return await logic.by_item(creators, person.user_id, logic.span_of(since, until))


@get("/v1/creators/me/live", tags=["creators"], summary="The last hour, and who watches now")
async def show_live(
    person: NamedDependency[Person],
    creators: NamedDependency[Creators],
    media_id: FromQuery[UUID | None] = None,
) -> Live:
    """By minute, of all my items or of one. Cheap enough to be asked every few seconds."""
    return await live.show(creators, person.user_id, media_id)


@get("/v1/creators/me/receipts/{receipt_id:str}", tags=["creators"], summary="What an answer was made of")
async def show_receipt(
    person: NamedDependency[Person], creators: NamedDependency[Creators], receipt_id: FromPath[str]
) -> Receipt:
    """Question, rule, items and the offsets up to which rows were counted. 404 unless it is mine."""
    return await receipts.show(creators, person.user_id, receipt_id)


ROUTES = [show_metrics, list_items, show_live, show_receipt]
