-- Transactional outbox of a database: services put messages inside their own transaction through
-- outbox.put(); the relay alone reads them, publishes to Kafka and removes what Kafka acknowledged.
CREATE TABLE outbox.message (
    message_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic       text NOT NULL,
    key         text NOT NULL,
    payload     jsonb NOT NULL,
    headers     jsonb NOT NULL DEFAULT '{}',
    created_at  timestamptz NOT NULL DEFAULT now()
);

-- headers carries the W3C traceparent of the request that caused the message.
CREATE FUNCTION outbox.put(p_topic text, p_key text, p_payload jsonb, p_headers jsonb DEFAULT '{}')
RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = outbox, pg_temp AS $$
    INSERT INTO outbox.message (topic, key, payload, headers)
    VALUES (p_topic, p_key, p_payload, p_headers)
    RETURNING message_id
$$;

CREATE FUNCTION outbox.wake_relay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('outbox', '');
    RETURN NULL;
END $$;

CREATE TRIGGER wake_relay AFTER INSERT ON outbox.message
    FOR EACH STATEMENT EXECUTE FUNCTION outbox.wake_relay();

REVOKE ALL ON FUNCTION outbox.put(text, text, jsonb, jsonb) FROM PUBLIC;
GRANT USAGE ON SCHEMA outbox TO uploads, content, media_ops, relay, pipelines;
GRANT EXECUTE ON FUNCTION outbox.put(text, text, jsonb, jsonb) TO uploads, content, media_ops, pipelines;
GRANT SELECT, DELETE ON outbox.message TO relay;
