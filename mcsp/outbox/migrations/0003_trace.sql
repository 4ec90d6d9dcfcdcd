-- A message carries the trace of the transaction that puts it: whoever knows one sets it for the transaction
-- (set_config('mcsp.trace', '{"traceparent": …}', true): the headers of W3C Trace Context as JSON). Triggers
-- that put messages pass it on without knowing. Headers that the caller names win.
CREATE OR REPLACE FUNCTION outbox.put(p_topic text, p_key text, p_payload jsonb, p_headers jsonb DEFAULT '{}')
RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = outbox, pg_temp AS $$
    INSERT INTO outbox.message (topic, key, payload, headers)
    VALUES (p_topic, p_key, p_payload,
            coalesce(nullif(current_setting('mcsp.trace', true), '')::jsonb, '{}') || p_headers)
    RETURNING message_id
$$;
