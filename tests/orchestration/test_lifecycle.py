"""Reading media.lifecycle: from a cursor on, each change once a step, and never more than a step may take."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import AIOKafkaProducer

from mcsp.contracts.topics import MEDIA_LIFECYCLE
from mcsp.errors import UnavailableError
from orchestration import lifecycle
from orchestration.lifecycle import Cursor, LifecycleTopic, Step

HOUR = datetime(2025, 3, 1, 7, tzinfo=UTC)
"""An hour in which nothing else of a test's stack was uploaded."""

pytestmark = pytest.mark.stack


def _mine(step: Step, stage: str = "sources") -> list[datetime]:
    return [hour for found, hour in step.changed if found == stage and hour.year == HOUR.year]


async def _read(topic: LifecycleTopic, cursor: Cursor) -> Step:
    return await asyncio.to_thread(topic.read, cursor)


async def test_a_message_five_times_is_one_changed_hour(topic, tell, end) -> None:
    for minute in range(5):
        await tell(HOUR + timedelta(minutes=minute))
    assert _mine(await _read(topic, end)) == [HOUR]


async def test_reading_goes_on_where_it_stopped_and_a_cursor_survives_being_stored(topic, tell, end) -> None:
    await tell(HOUR)
    first = await _read(topic, end)
    await tell(HOUR + timedelta(hours=1))
    second = await _read(topic, Cursor.parse(str(first.cursor)))
    assert (_mine(first), _mine(second)) == ([HOUR], [HOUR + timedelta(hours=1)])
    assert _mine(await _read(topic, second.cursor)) == []


async def test_a_step_that_was_not_kept_is_read_again(topic, tell, end) -> None:
    await tell(HOUR)
    assert _mine(await _read(topic, end)) == _mine(await _read(topic, end)) == [HOUR]


@pytest.mark.parametrize(
    ("event", "status", "stages"),
    [
        ("item", "inspecting", {"sources"}),
        ("item", "ready", {"sources", "packages"}),
        ("item", "deleted", {"sources", "renditions", "packages"}),
        ("rendition", "processing", {"renditions"}),
        ("manifest", "playable", {"packages"}),
        ("art", "ready", set()),
    ],
)
async def test_each_event_changes_the_assets_it_is_about(topic, tell, end, event, status, stages) -> None:
    await tell(HOUR, event=event, status=status)
    step = await _read(topic, end)
    assert {stage for stage, hour in step.changed if hour == HOUR} == stages
    assert step.messages >= 1


async def test_a_step_reports_no_more_hours_than_it_may_and_the_next_ones_report_the_rest(
    topic, tell, end, monkeypatch
) -> None:
    monkeypatch.setattr(lifecycle, "MOST_HOURS", 3)
    hours = [HOUR + timedelta(hours=number) for number in range(10)]
    for hour in hours:
        await tell(hour)
    cursor, seen = end, []
    while (step := await _read(topic, cursor)).messages:
        assert len(step.changed) <= 3
        seen += _mine(step)
        cursor = step.cursor
    assert sorted(seen) == hours


async def test_a_message_that_cannot_be_read_is_counted_and_passed_over(
    topic, tell, end, producer: AIOKafkaProducer
) -> None:
    await producer.send_and_wait(MEDIA_LIFECYCLE.name, b"{not json", key=b"x")
    await tell(HOUR)
    step = await _read(topic, end)
    assert step.unreadable == 1
    assert _mine(step) == [HOUR]
    assert (await _read(topic, step.cursor)).messages == 0


async def test_a_cursor_of_another_topic_than_this_begins_at_the_beginning(topic, tell, end) -> None:
    await tell(HOUR)
    beyond = Cursor({partition: offset + 10**9 for partition, offset in end.offsets.items()})
    assert HOUR in _mine(await _read(topic, beyond))


async def test_no_broker_is_said_as_such() -> None:
    with pytest.raises(UnavailableError, match="kafka_down"):
        await _read(LifecycleTopic(bootstrap="127.0.0.1:1"), Cursor())
