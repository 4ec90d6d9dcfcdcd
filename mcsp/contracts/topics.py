"""Names and shapes of the Kafka topics: the one list that bootstrap, producers and consumers share."""

import msgspec


class Topic(msgspec.Struct, frozen=True):
    """A topic: partitions, retention in milliseconds (-1: for good), whether it is compacted, and the size of
    its largest message in bytes."""

    name: str
    partitions: int
    retention_ms: int
    compacted: bool = False
    max_bytes: int = 1 << 20


DAY_MS = 86_400_000

MEDIA_JOBS = Topic("media.jobs", partitions=8, retention_ms=DAY_MS)
MEDIA_JOBS_DLQ = Topic("media.jobs.dlq", partitions=1, retention_ms=30 * DAY_MS)
MEDIA_LIFECYCLE = Topic("media.lifecycle", partitions=8, retention_ms=30 * DAY_MS)
# A request of 1 MiB grows when its events are stamped and written out in full.
EVENTS_RAW = Topic("events.raw", partitions=4, retention_ms=7 * DAY_MS, max_bytes=4 << 20)
EVENTS_DLQ = Topic("events.dlq", partitions=1, retention_ms=30 * DAY_MS, max_bytes=8 << 20)

ALL = (MEDIA_JOBS, MEDIA_JOBS_DLQ, MEDIA_LIFECYCLE, EVENTS_RAW, EVENTS_DLQ)
