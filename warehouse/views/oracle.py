"""The view rule in plain Python over plain rows, written apart from the SQL. Tests compare with it.

It reads like the words of the rule and cares nothing for speed. What does not belong here: anything that
production runs.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

from warehouse.views.rule import BOT, OWN, REPEAT, SHORT, Rule


@dataclass(frozen=True)
class Row:
    """One row of ``events``, as far as the rule looks at it."""

    partition: int
    offset: int
    index: int
    event_id: UUID
    media_id: UUID
    session_id: str
    viewer: str
    started_at: datetime | None
    received_at: datetime
    time: datetime
    type: str = "heartbeat"
    device: str = "desktop"
    watched: tuple[tuple[float, float], ...] = ()
    rate: float = 1.0

    @property
    def place(self) -> tuple[int, int, int]:
        return self.partition, self.offset, self.index


@dataclass(frozen=True)
class Asked:
    """A question: length in ms by item (0: not known), the owner's pseudonym, the range, the offsets read."""

    items: dict[UUID, int]
    owner: str
    since: datetime
    until: datetime
    grain: str
    next_offsets: tuple[int, ...]


@dataclass
class Numbers:
    """The numbers of one bucket; watch time in milliseconds."""

    plays: int = 0
    views: int = 0
    watch_ms: int = 0
    viewers: set[str] = field(default_factory=set)
    refused: dict[str, int] = field(default_factory=lambda: defaultdict(int))


@dataclass
class Play:
    """What became of one session."""

    media_id: UUID
    session_id: str
    viewer: str
    started_at: datetime
    watched_ms: int
    watch_ms: int
    verdict: str | None


def numbers(rule: Rule, rows: Iterable[Row], asked: Asked) -> dict[datetime | None, Numbers]:
    """The answer by bucket (None for ``total``); buckets without a play are left out."""
    answer: dict[datetime | None, Numbers] = defaultdict(Numbers)
    for play in plays(rule, rows, asked):
        if not asked.since <= play.started_at < asked.until:
            continue
        bucket = answer[_bucket(play.started_at, asked.grain)]
        if play.verdict is None:
            bucket.views += 1
            bucket.viewers.add(play.viewer)
        else:
            bucket.refused[play.verdict] += 1
        if play.verdict != BOT:
            bucket.watch_ms += play.watch_ms
        if play.verdict not in (BOT, OWN):
            bucket.plays += 1
    return dict(answer)


def plays(rule: Rule, rows: Iterable[Row], asked: Asked) -> list[Play]:
    """Every session with its verdict (None: a view)."""
    first: dict[tuple[UUID, str, UUID], Row] = {}
    for row in rows:
        seen = row.partition < len(asked.next_offsets) and row.offset < asked.next_offsets[row.partition]
        if not seen or row.media_id not in asked.items or not row.session_id or row.started_at is None:
            continue
        key = (row.media_id, row.session_id, row.event_id)
        if key not in first or row.place < first[key].place:
            first[key] = row
    sessions: dict[tuple[UUID, str], list[Row]] = defaultdict(list)
    for row in first.values():
        sessions[row.media_id, row.session_id].append(row)
    found = [_play(rule, group, asked) for group in sessions.values()]
    _refuse_repeats(rule, found)
    return found


def _play(rule: Rule, rows: list[Row], asked: Asked) -> Play:
    one = rows[0]
    assert one.started_at is not None
    length = asked.items[one.media_id]
    parts = [(*part, _rate(rule, row.rate)) for row in rows for part in _parts(rule, row.watched, length)]
    passed_us = max(0, max(_us(row.received_at) for row in rows) - _us(one.started_at))
    allowed_us = passed_us + rule.slack_ms * 1000
    watched = min(_union([(start, end) for start, end, _ in parts]), allowed_us * rule.fastest // 1000)
    played = sum(end - start for start, end, _ in parts)
    took_us = sum((end - start) * 100_000 // rate for start, end, rate in parts)
    spent = int(float(watched) * float(took_us) / float(played) / 1000) if played else 0
    spent = min(spent, allowed_us // 1000)
    play = Play(one.media_id, one.session_id, one.viewer, one.started_at, watched, spent, None)
    if any(row.device == "bot" for row in rows):
        play.verdict = BOT
    elif one.viewer == asked.owner:
        play.verdict = OWN
    elif not _enough(rule, watched, length):
        play.verdict = SHORT
    return play


def _enough(rule: Rule, watched_ms: int, length_ms: int) -> bool:
    if 0 < length_ms < rule.short_item_ms:
        return 2 * watched_ms >= length_ms
    return watched_ms >= rule.enough_ms


def _refuse_repeats(rule: Rule, found: list[Play]) -> None:
    by_viewer: dict[tuple[UUID, str], list[Play]] = defaultdict(list)
    for play in found:
        if play.verdict is None:
            by_viewer[play.media_id, play.viewer].append(play)
    for group in by_viewer.values():
        group.sort(key=lambda play: (play.started_at, play.session_id))
        for earlier, later in pairwise(group):
            if later.started_at - earlier.started_at < timedelta(milliseconds=rule.repeat_ms):
                later.verdict = REPEAT


def _parts(rule: Rule, watched: tuple[tuple[float, float], ...], length_ms: int) -> list[tuple[int, int]]:
    end_of_item = length_ms or rule.longest_ms
    cut = [tuple(min(_ms(rule, second), end_of_item) for second in part) for part in watched]
    return [(start, end) for start, end in cut if end > start]


def _ms(rule: Rule, seconds: float) -> int:
    return round(min(max(seconds, 0.0), rule.longest_ms / 1000) * 1000)


def _rate(rule: Rule, rate: float) -> int:
    return min(max(round(rate * 100), rule.slowest_rate), rule.fastest_rate)


def _union(parts: list[tuple[int, int]]) -> int:
    """Length of what at least one part covers."""
    total, reached = 0, 0
    for start, end in sorted(parts):
        total += max(0, end - max(start, reached))
        reached = max(reached, end)
    return total


def _us(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _bucket(moment: datetime, grain: str) -> datetime | None:
    match grain:
        case "minute":
            return moment.replace(second=0, microsecond=0)
        case "hour":
            return moment.replace(minute=0, second=0, microsecond=0)
        case "day":
            return moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return None
