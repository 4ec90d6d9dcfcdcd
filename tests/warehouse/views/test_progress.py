"""How far numbers are complete follows from what the collector wrote, and from nothing else."""

from datetime import UTC, datetime, timedelta

from mcsp.contracts.topics import EVENTS_RAW
from warehouse.views.progress import progress_of

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
ALL = [(number, 10 + number, NOW + timedelta(seconds=number)) for number in range(EVENTS_RAW.partitions)]


def test_the_slowest_partition_says_how_far_all_are_complete() -> None:
    progress = progress_of(ALL)
    assert progress.next_offsets == tuple(10 + number for number in range(EVENTS_RAW.partitions))
    assert progress.complete_until == NOW


def test_while_a_partition_was_never_heard_of_nobody_can_say() -> None:
    assert progress_of(ALL[1:]).complete_until is None
    assert progress_of(ALL[1:]).next_offsets[0] == 0
    assert progress_of([]).complete_until is None


def test_a_time_without_a_zone_is_utc() -> None:
    naive = [(number, following, up_to.replace(tzinfo=None)) for number, following, up_to in ALL]
    assert progress_of(naive) == progress_of(ALL)
