"""HEAD on the stack's own API and pages: what GET would answer, without content (RFC 9110, 9.3.2)."""

import httpx
import pytest

from deploy.handle import StackHandle
from tests.streaming_api.api import Person
from tests.streaming_api.seed import Seeds

VARYING = {"x-request-id", "date", "traceparent", "server-timing"}
PATHS = [
    "/v1/feed", "/v1/media", "/v1/media/{item}", "/v1/playback/{item}", "/v1/media/none", "/v1/me",
    "/v1/nowhere", "/", "/studio", "/watch/{item}", "/watch/none", "/nowhere",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("accept", ["text/html", "application/json"])
async def test_the_head_is_that_of_get(
    stack: StackHandle, ann: Person, seeds: Seeds, path: str, accept: str
) -> None:
    address = path.format(item=await seeds.playing(ann.user_id))
    async with httpx.AsyncClient(base_url=stack.urls["api"], headers={"Accept": accept}) as client:
        head, whole = await client.head(address), await client.get(address)
    assert (head.status_code, head.content) == (whole.status_code, b"")
    assert whole.content
    assert {name: value for name, value in head.headers.items() if name not in VARYING} == {
        name: value for name, value in whole.headers.items() if name not in VARYING
    }
