-- What the numbers that were given out were made of. Owner: role creators. Equal answers share a receipt.
CREATE TABLE creators.receipt (
    receipt_id  text PRIMARY KEY,
    owner_id    uuid NOT NULL,
    made_at     timestamptz NOT NULL DEFAULT now(),
    content     jsonb NOT NULL
);
CREATE INDEX receipt_owner ON creators.receipt (owner_id, made_at DESC);
