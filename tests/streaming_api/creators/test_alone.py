"""Nobody sees another's numbers: every route of creators is asked as somebody else and as nobody."""

from datetime import UTC, datetime
from uuid import UUID

import httpx

from streaming_api.creators.endpoints import ROUTES
from tests.streaming_api.api import ApiProcess, Person
from tests.streaming_api.creators.plays import Plays
from tests.streaming_api.seed import Seeds

ASKED = {
    "/v1/creators/me/metrics", "/v1/creators/me/items", "/v1/creators/me/live",
    "/v1/creators/me/receipts/{receipt_id:str}",
}  # fmt: skip
"""Every route that the tests below ask: a new one has to be asked as well."""


def test_every_route_is_asked_here() -> None:
    assert {path for route in ROUTES for path in route.paths} == ASKED


async def test_another_creator_gets_nothing_of_mine(
    creator: Person, bob: Person, seeds: Seeds, plays: Plays
) -> None:
    media_id = await seeds.playing(creator.user_id)
    await plays.add(media_id, started=datetime.now(UTC), after_s=0)
    mine = creator.http.get("/v1/creators/me/metrics").json()
    assert mine["rows"][0]["views"] + mine["rows"][0]["plays"] > 0
    for query in ("", "?grain=day", "?grain=hour"):
        rows = bob.http.get(f"/v1/creators/me/metrics{query}").json()["rows"]
        assert sum(row["plays"] + row["watch_time_s"] for row in rows) == 0
    of_mine = bob.http.get(f"/v1/creators/me/metrics?media_id={media_id}")
    assert (of_mine.status_code, of_mine.json()["code"]) == (404, "media_not_found")
    assert bob.http.get(f"/v1/creators/me/live?media_id={media_id}").status_code == 404
    live = bob.http.get("/v1/creators/me/live").json()
    assert (live["plays"], live["now_watching"]) == (0, 0)
    items = bob.http.get("/v1/creators/me/items").json()["items"]
    assert str(media_id) not in {item["media_id"] for item in items}
    assert creator.http.get(f"/v1/creators/me/receipts/{mine['receipt_id']}").status_code == 200
    assert bob.http.get(f"/v1/creators/me/receipts/{mine['receipt_id']}").status_code == 404


async def test_nobody_gets_nothing_at_all(api: ApiProcess, creator: Person) -> None:
    receipt_id = creator.http.get("/v1/creators/me/metrics").json()["receipt_id"]
    async with httpx.AsyncClient(base_url=api.url) as client:
        for path in ASKED:
            answer = await client.get(path.replace("{receipt_id:str}", receipt_id))
            assert answer.status_code == 401, path


async def test_an_owner_who_watches_anothers_item_is_a_viewer_there(
    creator: Person, bob: Person, seeds: Seeds, plays: Plays
) -> None:
    media_id = await seeds.playing(creator.user_id)
    await plays.add(media_id, started=datetime(2026, 5, 1, tzinfo=UTC), viewer=UUID(bob.user_id))
    assert creator.http.get("/v1/creators/me/metrics").json()["rows"][0]["views"] == 1
