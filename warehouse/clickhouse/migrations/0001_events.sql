-- Numbers never rest on merges: whoever reads these tables reads states that do not care about repeats.

CREATE DATABASE IF NOT EXISTS mcsp;

-- A row an event, as often as it was loaded. Its identity is (topic, partition, offset, index);
-- the event's own is (session_id, event_id).
CREATE TABLE IF NOT EXISTS mcsp.events
(
    topic LowCardinality(String),
    partition UInt16,
    offset UInt64,
    `index` UInt16,
    received_at DateTime64(6, 'UTC'),
    received_by LowCardinality(String),
    event_id UUID,
    type LowCardinality(String),
    version UInt8,
    client_time DateTime64(6, 'UTC'),
    time DateTime64(6, 'UTC'),
    media_id UUID,
    session_id String,
    viewer FixedString(32),
    started_at Nullable(DateTime64(6, 'UTC')),
    country LowCardinality(String),
    network LowCardinality(String),
    device LowCardinality(String),
    agent LowCardinality(String),
    source LowCardinality(String),
    position_s Float64,
    watched Array(Tuple(Float64, Float64)),
    rate Float32,
    payload String,
    -- Highest for the first row of an id: of an id that comes twice with other content the first counts,
    -- before and after a merge.
    first UInt64 MATERIALIZED 18446744073709551615 - (offset * 1024 + `index`)
)
ENGINE = ReplacingMergeTree(first)
PARTITION BY toYYYYMM(time)
ORDER BY (media_id, session_id, event_id);

-- How far the collector has loaded each partition: every message up to `up_to` (by received_at) is there.
CREATE TABLE IF NOT EXISTS mcsp.progress
(
    topic LowCardinality(String),
    partition UInt16,
    next_offset UInt64,
    up_to DateTime64(6, 'UTC')
)
ENGINE = ReplacingMergeTree(next_offset)
ORDER BY (topic, partition)
SETTINGS old_parts_lifetime = 10;
