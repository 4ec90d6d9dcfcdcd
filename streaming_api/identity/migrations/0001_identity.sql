-- People, passwords, sessions. Owner: role identity.
CREATE TABLE identity.account (
    user_id       uuid PRIMARY KEY,
    email         text NOT NULL UNIQUE,                 -- normalised: what a login is looked up by
    email_given   text NOT NULL,                        -- as the person wrote it: where letters go
    display_name  text NOT NULL CHECK (char_length(display_name) BETWEEN 1 AND 80),
    created_at    timestamptz NOT NULL DEFAULT now(),
    confirmed_at  timestamptz,
    disabled_at   timestamptz
);

CREATE TABLE identity.password (
    user_id     uuid PRIMARY KEY REFERENCES identity.account ON DELETE CASCADE,
    hash        text NOT NULL,                          -- argon2id, PHC string
    changed_at  timestamptz NOT NULL DEFAULT now()
);

-- A session is a family of refresh tokens: one login on one device.
CREATE TABLE identity.session (
    session_id     uuid PRIMARY KEY,
    user_id        uuid NOT NULL REFERENCES identity.account ON DELETE CASCADE,
    created_at     timestamptz NOT NULL DEFAULT now(),
    renewed_at     timestamptz NOT NULL DEFAULT now(),
    expires_at     timestamptz NOT NULL,                -- ends even if renewed again and again
    revoked_at     timestamptz,
    revoke_reason  text CHECK (revoke_reason IN ('logout', 'reuse', 'admin'))
);
CREATE INDEX session_of_user ON identity.session (user_id) WHERE revoked_at IS NULL;
CREATE INDEX session_expiry ON identity.session (expires_at);

-- Only digests are kept. A used token that comes again gives the thief (or the robbed) away.
CREATE TABLE identity.refresh_token (
    token_sha256  bytea PRIMARY KEY,
    session_id    uuid NOT NULL REFERENCES identity.session ON DELETE CASCADE,
    issued_at     timestamptz NOT NULL DEFAULT now(),
    expires_at    timestamptz NOT NULL,
    used_at       timestamptz
);
CREATE INDEX refresh_token_session ON identity.refresh_token (session_id);

CREATE TABLE identity.idempotency (
    scope           text NOT NULL,
    key             text NOT NULL,
    request_sha256  bytea NOT NULL,
    status          smallint,
    body            bytea,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (scope, key)
);
CREATE INDEX idempotency_age ON identity.idempotency (created_at);
