-- Uploads: what was announced, where it lies in S3, how it ended. Owner: role uploads.
--
-- open: parts may come. joining_at marks that `complete` passed its checks and S3 was told to join the
-- parts: from there the sweeper finishes what a killed process or a silent client left, never expires it.
-- done, aborted, expired are final. cleaned_at: nothing of an ended upload is left in S3.
CREATE TABLE uploads.upload (
    upload_id     uuid PRIMARY KEY,
    media_id      uuid NOT NULL UNIQUE,
    owner_id      uuid NOT NULL,
    filename      text NOT NULL,
    content_type  text NOT NULL,
    size_bytes    bigint NOT NULL CHECK (size_bytes > 0),
    part_size     bigint NOT NULL CHECK (part_size > 0),
    bucket        text NOT NULL,
    key           text NOT NULL,
    store_upload  text NOT NULL,
    state         text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'aborted', 'expired')),
    etag          text,
    created_at    timestamptz NOT NULL DEFAULT now(),
    expires_at    timestamptz NOT NULL,
    joining_at    timestamptz,
    ended_at      timestamptz,
    cleaned_at    timestamptz,
    CHECK ((state = 'done') = (etag IS NOT NULL)),
    CHECK ((state = 'open') = (ended_at IS NULL))
);
CREATE INDEX upload_of_owner ON uploads.upload (owner_id, created_at DESC, upload_id DESC) WHERE state = 'open';
CREATE INDEX upload_expiring ON uploads.upload (expires_at) WHERE state = 'open';
CREATE INDEX upload_joining ON uploads.upload (joining_at) WHERE state = 'open' AND joining_at IS NOT NULL;
CREATE INDEX upload_to_clean ON uploads.upload (ended_at)
    WHERE state IN ('aborted', 'expired') AND cleaned_at IS NULL;
CREATE INDEX upload_of_store ON uploads.upload (store_upload);

-- How far the sweeper has read the source bucket in search of what has no row: objects by key, multipart
-- uploads by S3's two markers.
CREATE TABLE uploads.sweep_cursor (
    bucket        text NOT NULL,
    listing       text NOT NULL CHECK (listing IN ('objects', 'multipart')),
    after_key     text NOT NULL,
    after_upload  text NOT NULL DEFAULT '',
    updated_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (bucket, listing)
);

-- mcsp.idempotency: answers of finished writes by (person, key), kept a day.
CREATE TABLE uploads.idempotency (
    scope           text NOT NULL,
    key             text NOT NULL,
    request_sha256  bytea NOT NULL,
    status          smallint,
    body            bytea,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (scope, key)
);
CREATE INDEX idempotency_age ON uploads.idempotency (created_at);
