"""The view rule: the SQL on a real ClickHouse says what the oracle says, whatever comes in whatever order."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import chdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from warehouse.clickhouse.migrations import files, statements
from warehouse.views.oracle import Asked, Numbers, Row, numbers
from warehouse.views.rule import CURRENT, REASONS, RULE_1, WORDS
from warehouse.views.sql import COLUMNS, MOST_ITEMS, Grain, numbers_sql

BEGIN = datetime(2026, 11, 23, 22, 50, tzinfo=UTC)
ITEMS = {UUID(int=1): 5_312, UUID(int=2): 600_000, UUID(int=3): 0}
OWNER, OTHER, BOTS = "f" * 32, "b" * 32, "bot"
SLOW = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
VIEWERS = ("a" * 32, "b" * 32, OWNER)
EVER = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
ALL = (2**40,) * 4


class Engine:
    """A ClickHouse in this process with the tables of the migrations."""

    def __init__(self) -> None:
        self._connection: Any = chdb.connect(":memory:")
        for file in files():
            for statement in statements(file.read_text()):
                self.run(statement)

    def run(self, sql: str, **parameters: Any) -> list[dict[str, Any]]:
        answer = self._connection.query(sql, "JSONEachRow", params=parameters)
        return [json.loads(line) for line in str(answer).splitlines()]

    def load(self, batches: Sequence[Sequence[Row]], *, merge: bool = False) -> None:
        self.run("TRUNCATE TABLE mcsp.events")
        for batch in batches:
            lines = "\n".join(json.dumps(_as_json(row)) for row in batch)
            if lines:
                self.run(f"INSERT INTO mcsp.events FORMAT JSONEachRow {lines}")
        if merge:
            self.run("OPTIMIZE TABLE mcsp.events FINAL")

    def answer(self, asked: Asked) -> dict[datetime | None, dict[str, int]]:
        grain: Grain = asked.grain  # type: ignore[assignment] -- tests name grains that there are
        rows = self.run(
            numbers_sql(RULE_1, asked.items, grain),
            next=list(asked.next_offsets),
            owner=asked.owner,
            since=_us(asked.since),
            until=_us(asked.until),
        )
        return {_moment(row["at"]): {name: int(row[name]) for name in COLUMNS[1:]} for row in rows}


def _us(moment: datetime) -> int:
    return (moment - EVER[0]) // timedelta(microseconds=1)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=UTC)


def _as_json(row: Row) -> dict[str, Any]:
    times = {
        name: None if moment is None else moment.strftime("%Y-%m-%d %H:%M:%S.%f")
        for name in ("received_at", "time", "started_at")
        for moment in [getattr(row, name)]
    }
    plain = {name: getattr(row, name) for name in ("partition", "offset", "index", "type", "session_id",
             "viewer", "device", "watched", "rate")}  # fmt: skip
    ids = {"event_id": str(row.event_id), "media_id": str(row.media_id)}
    return {"topic": "events.raw", **plain, **ids, **times}


def as_told(found: dict[datetime | None, Numbers]) -> dict[datetime | None, dict[str, int]]:
    return {
        at: {"plays": one.plays, "views": one.views, "watch_ms": one.watch_ms, "viewers": len(one.viewers)}
        | {reason: one.refused.get(reason, 0) for reason in REASONS}
        for at, one in found.items()
    }


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


def ask(**changes: Any) -> Asked:
    return replace(Asked(dict(ITEMS), OWNER, *EVER, "total", ALL), **changes)


odd = st.one_of(st.floats(-10, 700, allow_nan=False), st.sampled_from([2.656, 30.0, 0.0005, 1e9, -1e9]))
whole = st.integers(0, 60).map(float)
parts = st.one_of(
    st.tuples(whole, whole.map(lambda end: end + 25)), st.tuples(whole, whole), st.tuples(odd, odd)
)
rates = st.sampled_from([1.0, 1.0, 1.25, 2.0, 0.1, 0.0, 5.0])
begins = st.sampled_from([0, 10, 29, 30, 31, 45, 60, 75, 89])


def play(
    *watched: tuple[float, float], item: int = 2, viewer: str = "a" * 32, minute: float = 0,
    took_s: float = 300, **changes: Any,
) -> Row:  # fmt: skip
    """One session with one event: who watched what, from which minute on."""
    number = changes.pop("number", int(minute * 60))
    started = BEGIN + timedelta(minutes=minute)
    one = Row(
        partition=0, offset=number, index=0, event_id=UUID(int=number), media_id=UUID(int=item),
        session_id=f"s{number}", viewer=viewer, started_at=started, time=started,
        received_at=started + timedelta(seconds=took_s), watched=watched,
    )  # fmt: skip
    return replace(one, **changes)


@pytest.mark.parametrize(
    ("rows", "views", "watch_ms", "refused"),
    [
        pytest.param([play((0, 30))], 1, 30_000, {}, id="thirty seconds are a view"),
        pytest.param([play((0, 29.999))], 0, 29_999, {"too_short": 1}, id="a millisecond less is none"),
        pytest.param([play((0, 20), (10, 30))], 1, 30_000, {}, id="overlaps count once"),
        pytest.param([play((0, 20), (0, 20))], 0, 20_000, {"too_short": 1}, id="seen twice is once"),
        pytest.param([play((0, 2.656), item=1)], 1, 2_656, {}, id="half of a short item is a view"),
        pytest.param([play((0, 2.655), item=1)], 0, 2_655, {"too_short": 1}, id="less than half is none"),
        pytest.param([play((0, 500), item=1)], 1, 5_312, {}, id="beyond the end is cut off"),
        pytest.param([play((0, 60), rate=2.0)], 1, 30_000, {}, id="fast play takes less of a person's time"),
        pytest.param([play((0, 600), took_s=1)], 0, 6_000, {"too_short": 1}, id="time bounds belief"),
        pytest.param([play((10, 5), (-9, -1))], 0, 0, {"too_short": 1}, id="what runs backwards is nothing"),
        pytest.param([play((0, 40), viewer=OWNER)], 0, 40_000, {"own_play": 1}, id="own plays are no views"),
        pytest.param([play((0, 40), device="bot")], 0, 0, {"bot_agent": 1}, id="bots are no views, nor time"),
        pytest.param([play((0, 40)), play((0, 40), minute=29.99)], 1, 80_000, {"repeat": 1}, id="repeat"),
        pytest.param([play((0, 40)), play((0, 40), minute=30)], 2, 80_000, {}, id="after 30 minutes again"),
        pytest.param(
            [play((0, 40)), play((0, 40), minute=20), play((0, 40), minute=40)], 1, 120_000, {"repeat": 2},
            id="an item on repeat stays one view",
        ),
        pytest.param([play((0, 40)), play((0, 40), minute=1, item=3)], 2, 80_000, {}, id="another item"),
        pytest.param([play((0, 40)), play((0, 40), minute=1, viewer=OTHER)], 2, 80_000, {}, id="another one"),
        pytest.param([play((0, 9)), play((0, 40), minute=1)], 1, 49_000, {"too_short": 1}, id="then long"),
    ],
)  # fmt: skip
def test_the_rule_counts_as_its_words_say(
    engine: Engine, rows: list[Row], views: int, watch_ms: int, refused: dict[str, int]
) -> None:
    engine.load([rows])
    answer = engine.answer(ask())[None]
    assert (answer["views"], answer["watch_ms"]) == (views, watch_ms)
    assert {reason: answer[reason] for reason in REASONS if answer[reason]} == refused
    assert {None: answer} == as_told(numbers(RULE_1, rows, ask()))


def test_days_add_up_to_the_total_although_a_repeat_crosses_midnight(engine: Engine) -> None:
    rows = [play((0, 40), minute=minute) for minute in (60, 75, 110)]
    engine.load([rows])
    days = engine.answer(ask(grain="day")).items()
    assert [(at and at.day, day["views"], day["repeat"]) for at, day in days] == [
        (23, 1, 0),
        (24, 1, 1),
    ]
    midnight = BEGIN + timedelta(minutes=70)
    assert engine.answer(ask(since=midnight))[None]["views"] == 1


def test_rows_beyond_the_offsets_read_change_nothing(engine: Engine) -> None:
    rows = [play((0, 40), number=number, minute=number) for number in range(0, 120, 30)]
    engine.load([rows])
    assert engine.answer(ask(next_offsets=(60, 0, 0, 0)))[None]["views"] == 2
    assert engine.answer(ask(next_offsets=(0, 0, 0, 0))) == {}


def test_of_an_id_with_two_contents_the_first_counts_before_and_after_a_merge(engine: Engine) -> None:
    first = play((0, 40), number=1)
    second = replace(first, offset=2, watched=((0, 500),))
    for merge in (False, True):
        engine.load([[second], [first]], merge=merge)
        assert engine.answer(ask())[None]["watch_ms"] == 40_000


def test_thousands_of_items_fit_one_question(engine: Engine) -> None:
    engine.load([[play((0, 40))]])
    many = dict(ITEMS) | {UUID(int=2**127 + number): 12_345_678 for number in range(MOST_ITEMS - len(ITEMS))}
    assert engine.answer(ask(items=many))[None]["views"] == 1


def test_every_version_of_the_rule_is_written_in_words() -> None:
    assert CURRENT.version in WORDS
    text = " ".join(WORDS[RULE_1.version])
    for told in ("30 seconds", "half of an item", "four times", "five seconds", "30 minutes", *REASONS):
        assert told in text


@st.composite
def sessions(draw: st.DrawFn) -> list[Row]:
    """The events of one session, each perhaps more than once and with other content."""
    started = BEGIN + timedelta(minutes=draw(begins), microseconds=draw(st.integers(0, 2)))
    viewer = draw(st.sampled_from([*VIEWERS, *VIEWERS[:2]]))
    media_id = draw(st.sampled_from([*ITEMS, *ITEMS, UUID(int=9)]))
    number = draw(st.integers(-1, 5))
    common = {"media_id": media_id, "session_id": f"s{number}" if number >= 0 else "", "viewer": viewer,
              "started_at": started, "partition": draw(st.integers(0, 3))}  # fmt: skip
    device = draw(st.sampled_from(["desktop", "phone", "tv", BOTS]))
    rows = []
    for _ in range(draw(st.integers(1, 5))):
        passed = timedelta(seconds=draw(st.sampled_from([600, 600, 60, 7, 2, -3])), microseconds=7)
        rows.append(
            Row(
                **common, device=device, offset=draw(st.integers(0, 12)), index=0, rate=draw(rates),
                event_id=UUID(int=draw(st.integers(0, 2))), received_at=started + passed,
                time=started + max(passed, timedelta(0)), watched=tuple(draw(st.lists(parts, max_size=3))),
            )
        )  # fmt: skip
    return rows


def placed(groups: list[list[Row]]) -> list[Row]:
    """Rows in places of their own, a session's in one partition, with one start and viewer."""
    known: dict[tuple[UUID, str], Row] = {}
    rows = []
    for number, row in enumerate(row for group in groups for row in group):
        one = known.setdefault((row.media_id, row.session_id), row)
        rows.append(replace(row, partition=one.partition, index=number, viewer=one.viewer,
                            started_at=one.started_at))  # fmt: skip
    return rows


@given(
    groups=st.lists(sessions(), min_size=3, max_size=10),
    order=st.randoms(use_true_random=False),
    grain=st.sampled_from(["total", "minute", "hour", "day"]),
    cut=st.integers(0, 13),
    span=st.tuples(begins, st.sampled_from([0, 15, 31, 100])),
    merge=st.booleans(),
)
@settings(max_examples=250, deadline=None, suppress_health_check=SLOW)
def test_the_sql_says_what_the_oracle_says(
    engine: Engine, groups: list[list[Row]], order: Any, grain: str, cut: int, span: tuple[int, int],
    merge: bool,
) -> None:  # fmt: skip
    rows = placed(groups)
    shuffled = rows + rows[::2]  # some were read from Kafka twice
    order.shuffle(shuffled)
    half = len(shuffled) // 2
    engine.load([shuffled[:half], shuffled[half:]], merge=merge)
    since = BEGIN + timedelta(minutes=span[0])
    asked = ask(grain=grain, next_offsets=(13, cut, 13, 13) if not merge else ALL,
                since=since, until=since + timedelta(minutes=span[1]))  # fmt: skip
    assert engine.answer(asked) == as_told(numbers(RULE_1, rows, asked))
