"""How the assets are partitioned. Items are rows, batches are partitions: never a partition per item.

What does not belong here: which partitions are made when (``orchestration.schedules``, ``.sensors``).
"""

from datetime import UTC, datetime

import dagster as dg

from mcsp.settings import settings
from media_ops.lineage import STAGES, Stage, hour_of
from media_ops.remake import BUCKETS

__all__ = ["FIRST_HOUR", "HOURS", "REMAKE_BUCKETS", "STAGES", "Stage", "hour_of", "hour_of_key", "key_of"]

FIRST_HOUR = hour_of(settings().first_hour or datetime(2025, 1, 1, tzinfo=UTC))
"""No partition is earlier. From ``MCSP_FIRST_HOUR``, so that a graph is no wall of empty hours: the local
stack says the hour of its first migration, a cluster the hour it went live. A key names the same hour
wherever they begin, so that an earlier start later on loses nothing. Without it: before anything was."""

HOURS = dg.HourlyPartitionsDefinition(start_date=FIRST_HOUR, timezone="UTC", end_offset=1)
"""UTC hours by ``source.completed_at``. ``end_offset=1``: the hour that is still open has a partition too,
because its items are playable seconds after their upload and the sensor reports them at once."""

REMAKE_BUCKETS = dg.StaticPartitionsDefinition([f"{number:02d}" for number in range(BUCKETS)])
"""Buckets of items by their id. 64: a re-make of everything is 64 runs of equal size that can be stopped,
resumed and retried one by one, whatever the catalogue's size."""


def key_of(hour: datetime) -> str:
    """The partition key of a UTC hour, such as ``2026-11-24-15:00``."""
    return hour.astimezone(UTC).strftime(HOURS.fmt)


def hour_of_key(key: str) -> datetime:
    """The UTC hour that a partition key names."""
    return datetime.strptime(key, HOURS.fmt).replace(tzinfo=UTC)
