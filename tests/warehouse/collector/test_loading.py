"""Promises of the collector while all goes well: every event is a row in both stores, as it was told."""

import asyncio
from datetime import UTC, datetime

import msgspec
import pytest

from tests.warehouse.collector.conftest import Start
from tests.warehouse.collector.sending import MEDIA, Sent, events, impression, received
from tests.warehouse.collector.waiting import assert_both_equal, until_equal

pytestmark = pytest.mark.stack


async def test_what_is_sent_is_in_both_stores_exactly(sent: Sent, collector: Start) -> None:
    with collector():
        await sent.send(200)
        await assert_both_equal(sent)
        await sent.send(10)
        await assert_both_equal(sent)


async def test_a_row_of_clickhouse_says_what_the_event_said(sent: Sent, collector: Start) -> None:
    told = received("s", events(2))
    with collector(commit_s=60):
        await sent.message(told)
        await until_equal(sent.in_clickhouse, sent.rows)
    rows = await asyncio.to_thread(
        sent.ask,
        """SELECT DISTINCT type, media_id, session_id, viewer, started_at, received_at, time, country, source,
                  position_s, watched, rate, payload
           FROM mcsp.events WHERE topic = {topic:String} ORDER BY `index`""",
    )
    about = (MEDIA, "s", told.viewer.encode())
    assert [row[:1] for row in rows] == [("play_start",), ("heartbeat",)]
    for row, event in zip(rows, told.events, strict=True):
        assert row[1:4] == about
        instants = tuple(at.replace(tzinfo=UTC) for at in row[4:7])
        assert instants == (told.started_at, told.received_at, event.time)
        assert row[7:9] == ("NG", "")
    assert rows[1][9:] == (10.0, [(0.0, 10.0)], 1.0, "{}")
    assert msgspec.json.decode(rows[0][-1]) == {"muted": True, "msd": 80}


async def test_the_payload_of_bronze_is_the_event_as_it_came_even_what_nobody_knows_yet(
    sent: Sent, collector: Start
) -> None:
    told = msgspec.to_builtins(received("s", (impression(),)))
    told["events"][0]["from_the_future"] = 7
    with collector(commit_s=0.1):
        at = await sent.raw(msgspec.json.encode(told))
        await until_equal(sent.in_lake, [(*at, 0, told["events"][0]["event_id"])])
    [payload] = sent.table().to_pyarrow_table(filters=[("topic", "=", sent.topic)])["payload"].to_pylist()
    assert msgspec.json.decode(payload) == told["events"][0]


async def test_bronze_has_utc_instants_and_a_protocol_that_every_engine_reads(
    sent: Sent, collector: Start
) -> None:
    with collector(commit_s=0.1):
        await sent.send(1)
        await until_equal(sent.in_lake, sent.rows)
    table = sent.table()
    protocol = table.protocol()
    assert (protocol.min_reader_version, protocol.min_writer_version) == (1, 2)
    assert table.metadata().partition_columns == ["received_date", "received_hour"]
    kinds = {field.name: str(field.type) for field in table.schema().fields}
    assert {kinds[name] for name in ("received_at", "client_time", "time", "started_at")} == {
        'PrimitiveType("timestamp")'
    }


async def test_a_wild_clock_of_a_client_stops_nothing(sent: Sent, collector: Start) -> None:
    wild = [
        msgspec.structs.replace(impression(), client_time=datetime(year, 1, 1, tzinfo=UTC))
        for year in (1, 1969, 9999)
    ]
    with collector():
        await sent.message(received("", tuple(wild)))
        await assert_both_equal(sent)


async def test_progress_of_an_idle_partition_moves_and_of_a_lagging_one_stands_still(
    sent: Sent, collector: Start
) -> None:
    up_to = "SELECT partition, max(up_to) FROM mcsp.progress WHERE topic = {topic:String} GROUP BY ALL"

    async def all_after(moment: datetime) -> None:
        async with asyncio.timeout(30):
            while True:
                found = await asyncio.to_thread(sent.ask, up_to)
                if len(found) == 4 and all(at.replace(tzinfo=UTC) > moment for _, at in found):
                    return
                await asyncio.sleep(0.1)

    with collector():
        await all_after(datetime.now(UTC))
        await sent.send(20)
        await until_equal(sent.in_clickhouse, sent.rows)
        await all_after(datetime.now(UTC))
    ended = datetime.now(UTC)
    await sent.send(20)
    found = await asyncio.to_thread(sent.ask, up_to)
    assert len(found) == 4
    assert all(at.replace(tzinfo=UTC) < ended for _, at in found)
