-- First playable first: jobs that an item does not need in order to play stand aside while the one that opens
-- it runs (the lease statement says how long at most). Once it plays, one of them wakes every worker.

CREATE FUNCTION media_ops.wake_rest() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM media_ops.wake_for(j) FROM media_ops.job j
        WHERE j.media_id = NEW.media_id AND j.source_version = NEW.version AND j.state = 'queued'
          AND j.due_at <= now()
        ORDER BY j.priority LIMIT 1;
    RETURN NULL;
END $$;
CREATE TRIGGER wake_rest AFTER UPDATE OF playable_at ON media_ops.source
    FOR EACH ROW WHEN (OLD.playable_at IS NULL AND NEW.playable_at IS NOT NULL)
    EXECUTE FUNCTION media_ops.wake_rest();
