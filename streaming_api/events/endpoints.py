"""The routes of events."""

from typing import Any

from litestar import Request, get, post
from litestar.datastructures import State

from mcsp.contracts.events.schemas import schemas
from streaming_api.events import logic
from streaming_api.events.logic import Door, Sent
from streaming_api.events.schemas import Batch, Receipt

_SCHEMA = schemas()


@post("/v1/events", tags=["events"], summary="Tell what is played and seen", status_code=202)
async def take_events(request: Request[Any, Any, Any], state: State, data: Batch) -> Receipt:
    """Takes at most 1,000 events (1 MiB, after `Content-Encoding: gzip`), each for itself: a bad one is
    refused with a code, the others stay. 202 once Kafka has them; 503 with Retry-After when it is not known
    to have all: then send all again, nothing is counted twice. A token is not needed."""
    door: Door = state["events"]
    scope = request.scope
    client, person = scope.get("client"), scope["state"].get("person")
    sent = Sent(
        request_id=scope["state"]["request_id"],
        user_id=person.user_id if person else None,
        address=client[0] if client else "",
        user_agent=request.headers.get("user-agent", ""),
    )
    return await logic.take(door, data, sent)


@get("/v1/events/schema", tags=["events"], summary="JSON Schema of events", sync_to_thread=False)
def show_schema() -> dict[str, Any]:
    """The contract: `event` as a client sends it, and `received` as it is kept."""
    return _SCHEMA


ROUTES = [take_events, show_schema]
