"""How far the rows of ClickHouse are complete, from what the collector wrote after its inserts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from mcsp.contracts.topics import EVENTS_RAW

PROGRESS_SQL = f"""
SELECT partition, max(next_offset) AS next, argMax(up_to, (next_offset, up_to)) AS up_to
FROM mcsp.progress WHERE topic = '{EVENTS_RAW.name}' GROUP BY partition ORDER BY partition
"""  # noqa: S608 -- a constant of ours


@dataclass(frozen=True)
class Progress:
    """``next_offsets``: by partition, every row below is there. ``complete_until``: every event received
    before it is there; None while some partition was never heard of."""

    next_offsets: tuple[int, ...]
    complete_until: datetime | None


def progress_of(rows: Iterable[tuple[int, int, datetime]]) -> Progress:
    """What the rows of ``PROGRESS_SQL`` say."""
    known = {partition: (following, up_to) for partition, following, up_to in rows}
    count = max(EVENTS_RAW.partitions, 1 + max(known, default=0))
    offsets = tuple(known[number][0] if number in known else 0 for number in range(count))
    if any(number not in known for number in range(EVENTS_RAW.partitions)):
        return Progress(offsets, None)
    return Progress(offsets, min(up_to.replace(tzinfo=UTC) for _, up_to in known.values()))
