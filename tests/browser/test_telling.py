"""What the watch page tells: events of a play arrive once, also over a broken network and a closed page."""

import asyncio
from collections import Counter
from uuid import UUID

import pytest
from playwright.async_api import Route

from deploy.handle import StackHandle
from mcsp.contracts.events import Event, Heartbeat, PlayEnd, PlayStart, Seek
from tests.browser.conftest import NewVisit
from tests.browser.visit import Visit
from tests.streaming_api.events.topic import received

pytestmark = [pytest.mark.browser, pytest.mark.stack]

KEPT = """() => new Promise((resolve, reject) => {
  const asked = indexedDB.open("mcsp-events");
  asked.onerror = () => reject(asked.error);
  asked.onsuccess = () => {
    const counted = asked.result.transaction("events").objectStore("events").count();
    counted.onsuccess = () => { asked.result.close(); resolve(counted.result); };
  };
})"""


async def told(stack: StackHandle, media_id: str, known: set[str]) -> dict[str, list[Event]]:
    """The events of each session that is not known yet, each once, as Kafka has them."""
    kafka = stack.env("tests")["MCSP_KAFKA_BOOTSTRAP"]
    found: dict[str, dict[UUID, Event]] = {}
    for session, message in await received(kafka, UUID(media_id)):
        if session not in known:
            found.setdefault(session, {}).update({one.event_id: one for one in message.events})
    return {session: list(events.values()) for session, events in found.items()}


async def sessions(stack: StackHandle, media_id: str) -> set[str]:
    return set(await told(stack, media_id, set()))


async def until_told(stack: StackHandle, media_id: str, known: set[str], kind: type) -> list[Event]:
    """The events of the one new session, once there is one of this kind."""
    async with asyncio.timeout(60):
        while True:
            new = await told(stack, media_id, known)
            if any(isinstance(one, kind) for events in new.values() for one in events):
                [events] = new.values()
                return events


def seconds(events: list[Event]) -> float:
    """Media seconds in the union of all watched intervals."""
    parts = sorted(p for one in events if isinstance(one, Heartbeat | PlayEnd) for p in one.watched)
    total, reached = 0.0, 0.0
    for start, end in parts:
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total


async def emptied(seen: Visit) -> None:
    """The browser's queue is empty: the server has everything."""
    async with asyncio.timeout(60):
        while await seen.page.evaluate(KEPT):  # noqa: ASYNC110 -- the browser is another process
            await asyncio.sleep(0.1)


async def test_a_whole_play_is_told_with_what_was_watched(
    visit: NewVisit, ready_item: str, stack: StackHandle
) -> None:
    known = await sessions(stack, ready_item)
    seen = await visit()
    await seen.open_item(ready_item)
    await seen.play()
    await seen.until("v.ended")
    events = await until_told(stack, ready_item, known, PlayEnd)
    length = (await seen.video())["length"]
    assert seconds(events) == pytest.approx(length, abs=1)
    assert Counter(type(one) for one in events)[PlayStart] == 1
    [end] = [one for one in events if isinstance(one, PlayEnd)]
    assert end.reason == "ended"
    await emptied(seen)
    assert seen.errors == []
    assert seen.foreign == []


async def test_what_was_skipped_is_not_told_as_watched(
    visit: NewVisit, ready_item: str, stack: StackHandle
) -> None:
    known = await sessions(stack, ready_item)
    seen = await visit()
    await seen.open_item(ready_item)
    await seen.play()
    await seen.until("v.currentTime > 1")
    await seen.page.keyboard.press("9")
    await seen.until("v.ended")
    events = await until_told(stack, ready_item, known, PlayEnd)
    length = (await seen.video())["length"]
    [seek] = [one for one in events if isinstance(one, Seek)]
    assert seek.to_s == pytest.approx(length * 0.9, abs=0.5)
    assert seconds(events) < length - (seek.to_s - seek.from_s) + 1


async def test_a_closed_page_has_its_last_words(visit: NewVisit, ready_item: str, stack: StackHandle) -> None:
    known = await sessions(stack, ready_item)
    seen = await visit()
    await seen.open_item(ready_item)
    await seen.play()
    await seen.until("v.currentTime > 1.5")
    await seen.page.close(run_before_unload=True)
    events = await until_told(stack, ready_item, known, PlayEnd)
    [end] = [one for one in events if isinstance(one, PlayEnd)]
    assert end.reason == "left"
    assert seconds(events) > 1


async def test_what_no_server_took_is_kept_over_a_reload_and_sent_later_with_the_same_ids(
    visit: NewVisit, ready_item: str, stack: StackHandle
) -> None:
    known = await sessions(stack, ready_item)
    seen = await visit()
    ids: list[str] = []

    async def refuse(route: Route) -> None:
        body = route.request.post_data_json or {}
        ids.extend(one["event_id"] for one in body.get("events", []))
        await route.fulfill(status=503, headers={"retry-after": "1"}, body="{}")

    await seen.page.route("**/v1/events", refuse)
    await seen.open_item(ready_item)
    await seen.play()
    await seen.until("v.currentTime > 1")
    await seen.page.keyboard.press("k")
    await seen.page.wait_for_function(f"({KEPT})().then((count) => count >= 3)")
    assert await told(stack, ready_item, known) == {}
    refused = set(ids)
    assert refused
    await seen.page.reload()
    await seen.find("[data-stage][data-playing]").wait_for()
    await seen.page.unroute("**/v1/events")
    await seen.page.evaluate("() => window.dispatchEvent(new Event('online'))")
    await emptied(seen)
    [events] = (await told(stack, ready_item, known)).values()
    assert {PlayStart, Heartbeat} <= {type(one) for one in events}
    assert refused <= {str(one.event_id) for one in events}
