"""Bad files as their creator meets them: uploaded by the API, looked at by a worker, told by a card."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from media_ops.mp4 import boxes
from tests.media_ops.functions.clips import Clips
from tests.media_ops.functions.server import Store, open_store
from tests.media_ops.worker.bad_files import FILES, index_last
from tests.media_ops.worker.workbench import Sent, Workbench, until

pytestmark = pytest.mark.stack


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Clips:
    return Clips(tmp_path_factory.mktemp("bad-files"))


@pytest.fixture
async def trap(clips: Clips) -> AsyncIterator[Store]:
    """A server on the loopback with a video that plays; it counts who asks."""
    async with open_store(clips.folder) as store:
        yield store


async def _ended(sent: Sent) -> dict[str, Any] | None:
    item = await sent.card()
    return item if item["status"] in ("ready", "failed", "rejected") else None


@pytest.mark.parametrize("name", FILES)
async def test_a_bad_file_ends_failed_with_a_card_that_says_what_to_do(
    bench: Workbench, clips: Clips, trap: Store, name: str
) -> None:
    make, code = FILES[name]
    address = trap.address(await asyncio.to_thread(clips.streamable, "bait.mp4", 3))
    sent = await bench.sent(await asyncio.to_thread(make, clips, address), "holiday.mp4")
    await sent.complete()
    item = await until(lambda: _ended(sent), "the item ends")
    assert item["status"] == "failed", item
    card = item["failure"]
    assert card["code"] == code
    assert card["message"]
    assert card["action"]
    assert trap.requests == 0, "nobody asked the address in the file"
    await until(lambda: _none_runs(bench, sent), "nothing of it runs any more")


async def test_a_trap_that_is_asked_counts_it(clips: Clips, trap: Store) -> None:
    """What the promise above rests on: the address in the file can be asked."""
    bait = await asyncio.to_thread(clips.streamable, "bait.mp4", 3)
    port = int(trap.url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET /{bait.name} HTTP/1.0\r\n\r\n".encode())
    assert b"403" in await reader.readline()
    writer.close()
    assert trap.requests == 1


async def test_an_index_at_the_end_is_no_fault(bench: Workbench, clips: Clips) -> None:
    path = await asyncio.to_thread(index_last, clips)
    content = await asyncio.to_thread(path.read_bytes)
    order = [box.kind for box in boxes.children(content)]
    assert order.index("mdat") < order.index("moov")
    media_id = await bench.upload(path)
    await bench.assert_whole(media_id)


async def _none_runs(bench: Workbench, sent: Sent) -> bool:
    live = "SELECT count(*) FROM media_ops.job WHERE media_id = $1 AND state IN ('queued', 'running')"
    return await bench.ask(live, sent.media_id) == 0 and not bench.media_processes()
