"""What a worker counts besides RED: seconds to first playable, jobs at work by slot, damage found."""

from prometheus_client import Counter, Gauge, Histogram

FIRST_PLAYABLE = Histogram(
    "mcsp_first_playable_seconds", "Seconds from a completed upload to a playable manifest in the store",
    buckets=(0.25, 0.5, 0.75, 1, 1.5, 2, 3, 4, 5, 8, 15, 60, 300),
)  # fmt: skip
RUNNING = Gauge("mcsp_worker_running_jobs", "Jobs at work now", ["slot"])
DAMAGED = Counter("mcsp_damaged_manifests", "Finished manifest versions that S3 did not show as rendered")
