"""What the collector counts, by lane (``clickhouse``, ``lake``)."""

from prometheus_client import Counter, Gauge

ROWS = Counter("mcsp_collector_rows_total", "Events put into a store", ["lane"])
POISON = Counter("mcsp_collector_poison_total", "Messages that cannot be loaded", ["lane", "code"])
LOST = Counter("mcsp_collector_lost_total", "Messages that Kafka dropped before they were loaded", ["lane"])
LAG = Gauge("mcsp_collector_lag", "Messages of a partition not yet in the store", ["lane", "partition"])
LOADED = Gauge("mcsp_collector_loaded_timestamp_seconds", "When a batch last got into the store", ["lane"])
