-- mcsp.idempotency: answers of finished writes by (person, key), kept a day.
CREATE TABLE content.idempotency (
    scope           text NOT NULL,
    key             text NOT NULL,
    request_sha256  bytea NOT NULL,
    status          smallint,
    body            bytea,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (scope, key)
);
CREATE INDEX idempotency_age ON content.idempotency (created_at);
