-- The media ledger: sources, jobs, renditions, segments, manifests, art. Owner: role media_ops.
-- Other rooms read the views at the end and write through the functions of 0002, inside their own
-- transaction. No foreign key leaves this schema.

CREATE TABLE media_ops.source (
    media_id      uuid NOT NULL,
    version       integer NOT NULL DEFAULT 1,
    owner_id      uuid NOT NULL,
    bucket        text NOT NULL,
    key           text NOT NULL,
    etag          text NOT NULL,
    size_bytes    bigint NOT NULL,
    filename      text NOT NULL,
    content_type  text NOT NULL,
    kind          text CHECK (kind IN ('video', 'audio')),          -- known once inspected
    state         text NOT NULL DEFAULT 'inspecting' CHECK (state IN
                  ('inspecting', 'processing', 'playable', 'ready', 'held', 'rejected', 'failed', 'deleted')),
    description   jsonb,                                            -- media_ops.description.SourceDescription
    duration_s    double precision,
    failure       jsonb,                                            -- {code, message, action}
    recipe        text,                                             -- recipe name@version the renditions follow
    loudness      jsonb,                                            -- EBU R128: integrated_lufs, range_lu, true_peak_dbtp
    created_at    timestamptz NOT NULL DEFAULT now(),
    completed_at  timestamptz NOT NULL DEFAULT now(),
    inspected_at  timestamptz,
    playable_at   timestamptz,
    ready_at      timestamptz,
    PRIMARY KEY (media_id, version)
);
CREATE INDEX source_completed ON media_ops.source (completed_at);

-- A job makes a set of rungs of one chunk from one decode. Kinds: inspect, copy (package as it is),
-- encode, audio, art, purge. An attempt ends by an error or a limit of its own; a lost lease is
-- counted apart. lost_leases returns to 0 whenever the job publishes something new.
CREATE TABLE media_ops.job (
    job_id          uuid PRIMARY KEY,
    media_id        uuid NOT NULL,
    source_version  integer NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('inspect', 'copy', 'encode', 'audio', 'art', 'purge')),
    lane            text NOT NULL CHECK (lane IN ('inspect', 'audio', 'video', 'video-gpu')),
    slot            text NOT NULL CHECK (slot IN ('quick', 'encode')),
    chunk           integer NOT NULL DEFAULT 0,
    rungs           text[] NOT NULL DEFAULT '{}',                   -- rendition digests, sorted
    state           text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'dead', 'cancelled')),
    attempts        integer NOT NULL DEFAULT 0,
    lost_leases     integer NOT NULL DEFAULT 0,
    due_at          timestamptz NOT NULL DEFAULT now(),
    lease_until     timestamptz,
    lease_token     uuid,
    leased_by       text,
    progress        real NOT NULL DEFAULT 0,                        -- 0 … 1
    last_error      jsonb,                                          -- {code, message, action, retryable, detail}
    created_at      timestamptz NOT NULL DEFAULT now(),
    started_at      timestamptz,
    finished_at     timestamptz,
    UNIQUE (media_id, source_version, kind, lane, chunk, rungs)
);
CREATE INDEX job_due ON media_ops.job (slot, lane, due_at) WHERE state = 'queued';
CREATE INDEX job_leases ON media_ops.job (lease_until) WHERE state = 'running';
CREATE INDEX job_media ON media_ops.job (media_id, source_version);

CREATE TABLE media_ops.rendition (
    media_id        uuid NOT NULL,
    digest          text NOT NULL,                                  -- sha256 of source, recipe, rung
    source_version  integer NOT NULL,
    name            text NOT NULL,                                  -- 720p, audio-128k: unique among the living of an item
    kind            text NOT NULL CHECK (kind IN ('video', 'audio')),
    codec           text NOT NULL,                                  -- RFC 6381 once the init segment is known, before that h264/aac
    width           integer,
    height          integer,
    frame_rate      text,                                           -- rational, such as 30000/1001
    channels        integer,
    sample_rate     integer,
    bitrate         integer NOT NULL,                               -- bits per second: aimed at, then measured when published
    peak_bitrate    integer,                                        -- bits per second of the largest segment
    recipe          text NOT NULL,                                  -- name@version
    rung            jsonb NOT NULL,                                 -- media_ops.recipes.Rung, all the digest covers
    state           text NOT NULL DEFAULT 'queued' CHECK (state IN
                    ('queued', 'running', 'published', 'failed', 'superseded')),
    timescale       integer,
    bucket          text,
    init_key        text,
    failure         jsonb,
    created_at      timestamptz NOT NULL DEFAULT now(),
    published_at    timestamptz,
    PRIMARY KEY (media_id, digest)
);
CREATE UNIQUE INDEX rendition_name ON media_ops.rendition (media_id, name) WHERE state <> 'superseded';

CREATE TABLE media_ops.segment (
    media_id        uuid NOT NULL,
    digest          text NOT NULL,
    number          integer NOT NULL,                               -- from 0
    start_ticks     bigint NOT NULL,                                -- in the rendition's timescale
    duration_ticks  bigint NOT NULL,
    bytes           bigint NOT NULL,
    bucket          text NOT NULL,
    key             text NOT NULL,
    published_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (media_id, digest, number),
    FOREIGN KEY (media_id, digest) REFERENCES media_ops.rendition ON DELETE CASCADE
);

-- A manifest version is a fixed set of rungs; a new rung makes a new version, older ones finish.
CREATE TABLE media_ops.manifest (
    media_id           uuid NOT NULL,
    version            integer NOT NULL,
    source_version     integer NOT NULL,
    rungs              text[] NOT NULL,                             -- rendition digests
    state              text NOT NULL CHECK (state IN ('growing', 'finished')),
    target_duration_s  integer NOT NULL,                            -- EXT-X-TARGETDURATION, fixed at first publish
    bucket             text NOT NULL,
    prefix             text NOT NULL,                               -- media/{media_id}/m{version}
    created_at         timestamptz NOT NULL DEFAULT now(),
    finished_at        timestamptz,
    PRIMARY KEY (media_id, version)
);

CREATE TABLE media_ops.art (
    media_id        uuid NOT NULL,
    name            text NOT NULL,                                  -- poster, cover
    source_version  integer NOT NULL,
    content_type    text NOT NULL,
    width           integer NOT NULL,
    height          integer NOT NULL,
    bytes           bigint NOT NULL,
    bucket          text NOT NULL,
    key             text NOT NULL,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (media_id, name)
);

-- Published views ------------------------------------------------------------------------------

-- The current source version of each item.
CREATE VIEW media_ops.current_source AS
    SELECT DISTINCT ON (media_id) * FROM media_ops.source ORDER BY media_id, version DESC;

-- progress: share of the item's work done, weighted by job kind. eta_s is set by the ledger (0002).
CREATE VIEW media_ops.rendition_state AS
    SELECT r.media_id, r.digest, r.name, r.kind, r.codec, r.width, r.height, r.frame_rate, r.channels,
           r.bitrate, r.recipe, r.state, r.failure, r.published_at
    FROM media_ops.rendition r
    WHERE r.state <> 'superseded';

-- What playback needs in one row: newest manifest version, poster, duration.
CREATE VIEW media_ops.playable AS
    SELECT s.media_id, s.duration_s, s.kind, s.state AS status,
           m.version AS manifest_version, m.state AS manifest_state, m.bucket, m.prefix,
           (SELECT a.key FROM media_ops.art a WHERE a.media_id = s.media_id
             ORDER BY (a.name = 'poster') DESC LIMIT 1) AS poster_key
    FROM media_ops.current_source s
    JOIN LATERAL (SELECT * FROM media_ops.manifest m
                   WHERE m.media_id = s.media_id AND m.source_version = s.version
                   ORDER BY m.version DESC LIMIT 1) m ON true
    WHERE s.state IN ('playable', 'ready');

GRANT USAGE ON SCHEMA media_ops TO uploads, content, playback, pipelines;
GRANT SELECT ON media_ops.rendition_state TO content, playback, pipelines;
GRANT SELECT ON media_ops.playable TO content, playback, pipelines;
