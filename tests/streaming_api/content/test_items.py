"""Items: their shape, who sees them, what their owner may change."""

from uuid import UUID

import httpx
import pytest

from mcsp.ids import uuid7
from tests.streaming_api.api import ApiProcess, Person
from tests.streaming_api.seed import Seeds

CONTRACT = {
    "media_id", "kind", "status", "audience", "visibility", "title", "duration_s", "renditions", "progress",
    "eta_s",
}  # fmt: skip


async def test_an_item_has_the_shape_of_the_contract(api: ApiProcess, ann: Person, seeds: Seeds) -> None:
    media_id = await seeds.playing(ann.user_id)
    async with httpx.AsyncClient() as client:
        item = (await client.get(f"{api.url}/v1/media/{media_id}")).json()
    assert set(item) == CONTRACT | {"created_at", "completed_at", "poster_url"}
    assert (item["status"], item["kind"], item["duration_s"], item["progress"]) == ("ready", "video", 61.5, 1)
    assert item["renditions"] == [
        {"name": "720p", "kind": "video", "codec": "avc1.64001f", "width": 1280, "height": 720,
         "bitrate": 2_000_000, "recipe": "standard@1", "state": "published"},
        {"name": "audio-128k", "kind": "audio", "codec": "mp4a.40.2", "bitrate": 128_000,
         "recipe": "standard@1", "state": "published"},
    ]  # fmt: skip


async def test_an_item_whose_file_has_not_arrived_is_uploading_for_its_owner_alone(
    ann: Person, bob: Person, seeds: Seeds
) -> None:
    media_id = await seeds.item(ann.user_id, audience="owner")
    item = ann.http.get(f"/v1/media/{media_id}").json()
    assert (item["status"], item["kind"], item["duration_s"], item["renditions"]) == (
        "uploading",
        None,
        None,
        [],
    )
    assert bob.http.get(f"/v1/media/{media_id}").status_code == 404


@pytest.mark.parametrize(
    ("visibility", "audience", "seen"),
    [
        ("public", "public", True), ("unlisted", "public", True), ("private", "public", False),
        ("public", "owner", False), ("public", "held", False), ("unlisted", "held", False),
    ],
)  # fmt: skip
async def test_others_see_what_is_decided_and_not_private(
    api: ApiProcess, ann: Person, bob: Person, seeds: Seeds, visibility: str, audience: str, seen: bool
) -> None:
    media_id = await seeds.playing(ann.user_id, visibility=visibility, audience=audience)
    path = f"/v1/media/{media_id}"
    assert ann.http.get(path).status_code == 200
    assert bob.http.get(path).status_code == (200 if seen else 404)
    async with httpx.AsyncClient() as client:
        assert (await client.get(api.url + path)).status_code == (200 if seen else 404)


async def test_a_failure_card_is_its_owners(ann: Person, bob: Person, seeds: Seeds) -> None:
    media_id = await seeds.failed(ann.user_id, retryable=True)
    mine, theirs = (person.http.get(f"/v1/media/{media_id}").json() for person in (ann, bob))
    assert mine["failure"] == {
        "code": "worker_lost", "message": "It broke.", "action": "Try again.", "retryable": True,
    }  # fmt: skip
    assert theirs["status"] == "failed"
    assert "failure" not in theirs


async def test_a_wrong_token_is_refused_also_where_none_is_needed(
    api: ApiProcess, ann: Person, seeds: Seeds
) -> None:
    media_id = await seeds.playing(ann.user_id)
    headers = {"Authorization": "Bearer no.such.token"}
    async with httpx.AsyncClient(base_url=api.url, headers=headers) as client:
        for path in (f"/v1/media/{media_id}", "/v1/feed", "/v1/media", f"/v1/playback/{media_id}"):
            assert (await client.get(path)).status_code == 401


async def test_its_owner_renames_an_item_and_hides_it(ann: Person, bob: Person, seeds: Seeds) -> None:
    media_id = await seeds.playing(ann.user_id)
    path = f"/v1/media/{media_id}"
    renamed = ann.http.patch(path, json={"title": " A new name "})
    assert (renamed.status_code, renamed.json()["title"]) == (200, "A new name")
    assert ann.http.patch(path, json={"visibility": "private"}).json()["visibility"] == "private"
    assert bob.http.get(path).status_code == 404
    assert ann.http.get(path).json()["title"] == "A new name"


@pytest.mark.parametrize(
    "body",
    [
        {}, {"title": ""}, {"title": " "}, {"title": "a\tb"}, {"title": "x" * 201}, {"title": 1},
        {"title": []},
        {"visibility": "secret"}, {"visibility": None}, {"title": None}, [], None, "x",
    ],
)  # fmt: skip
async def test_a_change_that_makes_no_sense_is_refused(ann: Person, seeds: Seeds, body: object) -> None:
    media_id = await seeds.playing(ann.user_id)
    answer = ann.http.patch(f"/v1/media/{media_id}", json=body)
    assert answer.status_code == 400, answer.text
    assert ann.http.get(f"/v1/media/{media_id}").json()["title"] == "Seeded"


@pytest.mark.parametrize("text", ["a\\u0000b", "a\\ud800b", "\\udc00\\ud800", "\\ud83d"])
@pytest.mark.parametrize("field", ["title", "visibility"])
async def test_nul_and_unpaired_surrogates_are_refused_as_a_name(
    ann: Person, seeds: Seeds, field: str, text: str
) -> None:
    media_id = await seeds.playing(ann.user_id)
    headers = {"Content-Type": "application/json"}
    answer = ann.http.patch(
        f"/v1/media/{media_id}", content=f'{{"{field}":"{text}"}}'.encode(), headers=headers
    )
    assert answer.status_code == 400, answer.text
    assert answer.json()["code"]
    item = ann.http.get(f"/v1/media/{media_id}").json()
    assert (item["title"], item["visibility"]) == ("Seeded", "public")


async def test_nobody_touches_anothers_item(api: ApiProcess, ann: Person, bob: Person, seeds: Seeds) -> None:
    media_id = await seeds.failed(ann.user_id, retryable=True)
    path = f"/v1/media/{media_id}"
    assert bob.http.patch(path, json={"title": "Mine"}).status_code == 404
    assert bob.http.delete(path).status_code == 404
    assert bob.http.post(f"{path}/retry").status_code == 404
    async with httpx.AsyncClient(base_url=api.url) as client:
        assert (await client.patch(path, json={"title": "Mine"})).status_code == 401
        assert (await client.delete(path)).status_code == 401
        assert (await client.post(f"{path}/retry")).status_code == 401
    assert ann.http.get(path).json()["title"] == "Seeded"


async def test_a_deleted_item_is_gone_for_all_and_its_work_ends(
    ann: Person, bob: Person, seeds: Seeds, admin
) -> None:
    media_id = await seeds.playing(ann.user_id)
    path = f"/v1/media/{media_id}"
    assert ann.http.delete(path).status_code == ann.http.delete(path).status_code == 204
    for person in (ann, bob):
        assert person.http.get(path).status_code == 404
        assert person.http.get(f"/v1/playback/{media_id}").status_code == 404
    assert ann.http.patch(path, json={"title": "Back"}).status_code == 404
    jobs = await admin.fetch("SELECT kind FROM media_ops.job WHERE media_id = $1", media_id)
    assert [job["kind"] for job in jobs] == ["purge", "purge"]


async def test_failed_work_is_tried_again_where_that_may_help(ann: Person, seeds: Seeds) -> None:
    media_id = await seeds.failed(ann.user_id, retryable=True)
    answer = ann.http.post(f"/v1/media/{media_id}/retry")
    assert answer.status_code == 202
    assert answer.json()["status"] in ("inspecting", "processing")
    hopeless = await seeds.failed(ann.user_id, retryable=False)
    refused = ann.http.post(f"/v1/media/{hopeless}/retry")
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_retry")


async def test_my_list_has_all_of_mine_in_order_and_none_of_others(
    api: ApiProcess, bob: Person, seeds: Seeds
) -> None:
    person = Person(api.url)
    mine = [
        await seeds.item(person.user_id, audience="owner"),
        await seeds.playing(person.user_id, visibility="private"),
        await seeds.failed(person.user_id, retryable=True),
        await seeds.playing(person.user_id),
    ]
    await seeds.playing(bob.user_id)
    seen: list[UUID] = []
    query: dict[str, str] = {"owner": "me", "limit": "3"}
    while True:
        page = person.http.get("/v1/media", params=query).json()
        seen += [UUID(item["media_id"]) for item in page["items"]]
        if "next" not in page:
            break
        query["cursor"] = page["next"]
    assert seen == list(reversed(mine))
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"{api.url}/v1/media?owner=me")).status_code == 401


async def test_the_feed_has_what_anyone_may_play_newest_first(
    api: ApiProcess, ann: Person, seeds: Seeds
) -> None:
    first, second = [await seeds.playing(ann.user_id) for _ in range(2)]
    hidden = [
        await seeds.playing(ann.user_id, visibility="unlisted"),
        await seeds.playing(ann.user_id, visibility="private"),
        await seeds.playing(ann.user_id, audience="held"),
        await seeds.failed(ann.user_id, retryable=True),
        await seeds.item(ann.user_id),
    ]
    async with httpx.AsyncClient(base_url=api.url) as client:
        page = (await client.get("/v1/feed?limit=100")).json()
        shown = [UUID(item["media_id"]) for item in page["items"]]
        assert shown[:2] == [second, first]
        assert not set(hidden) & set(shown)
        poster = page["items"][0]["poster_url"]
        assert f"/media/{second}/art/poster-1.jpg" in poster
        one = (await client.get("/v1/feed?limit=1")).json()
        two = (await client.get("/v1/feed", params={"limit": 1, "cursor": one["next"]})).json()
        assert [UUID(page["items"][0]["media_id"]) for page in (one, two)] == [second, first]
        assert (await client.get("/v1/media?limit=1")).json()["items"][0]["media_id"] == str(second)


async def test_what_took_long_to_upload_is_new_when_it_is_complete(
    api: ApiProcess, ann: Person, seeds: Seeds, admin
) -> None:
    """Begun first, complete last: first in the feed and in the home page's list, from page to page."""
    long, quick = [await seeds.playing(ann.user_id, audience="owner") for _ in range(2)]
    for media_id in (quick, long):
        assert await admin.fetchval("SELECT content.decide_audience($1)", media_id)
    both = [str(long), str(quick)]
    async with httpx.AsyncClient(base_url=api.url) as client:
        for path in ("/v1/feed", "/v1/media"):
            page = (await client.get(path, params={"limit": 2})).json()
            assert [item["media_id"] for item in page["items"]] == both
            one = (await client.get(path, params={"limit": 1})).json()
            two = (await client.get(path, params={"limit": 1, "cursor": one["next"]})).json()
            assert [page["items"][0]["media_id"] for page in (one, two)] == both
    mine = ann.http.get("/v1/media", params={"owner": "me", "limit": 2}).json()
    assert [item["media_id"] for item in mine["items"]] == both[::-1]


@pytest.mark.parametrize("path", ["/v1/media/{}", "/v1/playback/{}"])
def test_what_is_no_id_is_not_found(ann: Person, path: str) -> None:
    for wrong in (uuid7(), "x", "0", "0192f000-0000-7000-8000-00000000000", "a" * 3000):
        assert ann.http.get(path.format(wrong)).status_code == 404


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "cursor=x", "owner=you", "cursor=%00"])
def test_lists_refuse_what_makes_no_sense(ann: Person, query: str) -> None:
    for path in ("/v1/media?owner=me&", "/v1/media?"):
        if query.startswith("owner") and "me" in path:
            continue
        assert ann.http.get(path + query).status_code == 400
