-- A dead letter says whether trying again may help, as the card of an item does. All else is as in 0003.

CREATE OR REPLACE FUNCTION media_ops.tell_job_dead() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM outbox.put('media.jobs.dlq', NEW.media_id::text, jsonb_build_object(
        'media_id', NEW.media_id, 'job_id', NEW.job_id, 'source_version', NEW.source_version,
        'kind', NEW.kind, 'lane', NEW.lane, 'rungs', to_jsonb(NEW.rungs), 'attempts', NEW.attempts,
        'lost_leases', NEW.lost_leases, 'detail', coalesce(NEW.last_error ->> 'detail', ''),
        'failure', jsonb_build_object(
            'code', coalesce(NEW.last_error ->> 'code', 'unknown'),
            'message', coalesce(NEW.last_error ->> 'message', ''),
            'action', coalesce(NEW.last_error ->> 'action', ''),
            'retryable', coalesce((NEW.last_error ->> 'retryable')::boolean, false)),
        'died_at', clock_timestamp()));
    RETURN NULL;
END $$;
