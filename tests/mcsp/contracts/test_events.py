"""The contract of events: no change may break an old player or an old row; what is written is read back.

``snapshots/NNNN.json`` are the schemas as they were published, never edited again. A change that breaks
nothing adds the next one, with what ``python -m mcsp.contracts.events.schemas`` prints.
"""

import copy
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from mcsp.contracts.events import TYPES, UNSTAMPED, Event, Heartbeat, Received
from mcsp.contracts.events.schemas import schemas
from tests.mcsp.contracts.compatibility import breaks

SNAPSHOTS = sorted((Path(__file__).parent / "snapshots").glob("*.json"))
CURRENT: dict[str, Any] = json.loads(msgspec.json.encode(schemas()))


@pytest.mark.parametrize("snapshot", SNAPSHOTS, ids=lambda path: path.stem)
def test_no_change_breaks_what_was_published(snapshot: Path) -> None:
    assert breaks(json.loads(snapshot.read_text()), CURRENT) == []


def test_the_newest_snapshot_is_what_is_served() -> None:
    assert json.loads(SNAPSHOTS[-1].read_text()) == CURRENT


def test_the_nine_types_of_players_are_there() -> None:
    assert set(TYPES) == {
        "impression", "play_start", "heartbeat", "pause", "seek", "stall", "quality_change", "error",
        "play_end",
    }  # fmt: skip


CHANGES = {
    "a field is removed": lambda d: d["Heartbeat"]["properties"].pop("br"),
    "a field becomes required": lambda d: d["Seek"]["required"].append("to_s"),
    "a type changes": lambda d: d["Stall"]["properties"]["position_s"].update(type="string"),
    "a bound is narrowed": lambda d: d["Heartbeat"]["properties"]["watched"].update(maxItems=10),
    "a bound appears": lambda d: d["Heartbeat"]["properties"]["event_id"].update(maxLength=3),
    "a value of an enum is removed": lambda d: d["Received"]["properties"]["device"]["enum"].remove("tv"),
    "a default changes": lambda d: d["PlayEnd"]["properties"]["rate"].update(default=2),
    "a type has another name": lambda d: d["Seek"].update(
        properties={**d["Seek"]["properties"], "type": {"enum": ["jump"]}}
    ),
    "an optional value is narrowed": lambda d: d["Pause"].pop("properties"),
    "a type of event is removed": lambda d: d.pop("Impression"),
    "no null": lambda d: d["PlayEnd"]["properties"].update(reason={"type": "string", "default": None}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_that_breaks_something_is_found(change: str) -> None:
    changed = copy.deepcopy(CURRENT)
    CHANGES[change](changed["$defs"])
    assert breaks(CURRENT, changed) != []


def test_additions_break_nothing() -> None:
    changed = copy.deepcopy(CURRENT)
    changed["$defs"]["Seek"]["properties"]["gesture"] = {"type": "string", "default": ""}
    changed["$defs"]["Received"]["properties"]["device"]["enum"].append("watch")
    changed["$defs"]["Heartbeat"]["properties"]["watched"]["maxItems"] = 5000
    changed["$defs"]["Clap"] = {"type": "object"}
    changed["properties"]["event"]["anyOf"].append({"$ref": "#/$defs/Clap"})
    assert breaks(CURRENT, changed) == []


def test_a_message_is_read_back_as_it_was_written() -> None:
    at = datetime(2026, 3, 1, 12, 0, 0, 123456, UTC)
    beat = Heartbeat(
        event_id=UUID(int=7), client_time=at, time=at, position_s=4, watched=((0, 4),), bitrate_kbps=900
    )
    message = Received(
        received_at=at, received_by="api", request_id="r", session_id="s", media_id=UUID(int=1),
        viewer="0" * 32, started_at=at, country="NG", network="public", device="phone", agent="Firefox",
        source="link", events=(beat,),
    )  # fmt: skip
    written = msgspec.json.encode(message)
    assert msgspec.json.decode(written, type=Received) == message
    assert b'"br":900' in written


def test_a_time_without_a_zone_is_refused_and_the_server_stamp_is_optional() -> None:
    known = {"type": "pause", "event_id": str(UUID(int=1))}
    event = msgspec.convert({**known, "client_time": "2026-03-01T12:00:00Z"}, Event)
    assert event.time == UNSTAMPED
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({**known, "client_time": "2026-03-01T12:00:00"}, Event)
