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
    grid          jsonb,                                            -- media_ops.recipes.Grid, fixed when planned
    opening       text[] NOT NULL DEFAULT '{}',                     -- digests of the rungs that make it playable
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
    priority        smallint NOT NULL DEFAULT 5,                    -- lower goes first: 0 inspect, 1 opening, 5 the rest
    cost_s          real NOT NULL DEFAULT 1,                        -- seconds of work, estimated when planned
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
CREATE INDEX job_due ON media_ops.job (slot, priority, due_at) WHERE state = 'queued';
CREATE INDEX job_leases ON media_ops.job (lease_until) WHERE state = 'running';
CREATE INDEX job_done ON media_ops.job (finished_at) WHERE state = 'done';
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
-- revision counts what changed in it (segments, state); rendered_revision what its objects in S3 show.
-- A version counts as served from its first render on.
CREATE TABLE media_ops.manifest (
    media_id           uuid NOT NULL,
    version            integer NOT NULL,
    source_version     integer NOT NULL,
    rungs              text[] NOT NULL,                             -- rendition digests
    state              text NOT NULL CHECK (state IN ('growing', 'finished')),
    cut                text[] NOT NULL DEFAULT '{}',                -- rungs that were not published when it finished
    target_duration_s  integer NOT NULL,                            -- EXT-X-TARGETDURATION, fixed at first publish
    bucket             text NOT NULL,
    prefix             text NOT NULL,                               -- media/{media_id}/m{version}
    revision           bigint NOT NULL DEFAULT 1,
    rendered_revision  bigint NOT NULL DEFAULT 0,
    changed_at         timestamptz NOT NULL DEFAULT now(),
    rendered_at        timestamptz,
    verified_at        timestamptz,                                 -- when its objects were found to be as rendered
    created_at         timestamptz NOT NULL DEFAULT now(),
    finished_at        timestamptz,
    PRIMARY KEY (media_id, version)
);
CREATE INDEX manifest_unverified ON media_ops.manifest (rendered_at)
    WHERE state = 'finished' AND revision = rendered_revision AND verified_at IS NULL;
CREATE INDEX manifest_stale ON media_ops.manifest (changed_at) WHERE revision > rendered_revision;

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
    PRIMARY KEY (media_id, name, content_type)
);
