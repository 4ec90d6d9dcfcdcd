-- What the ledger tells by itself whenever a row changes: wakes and dead letters for Kafka (through the
-- outbox), lifecycle messages, and NOTIFY media_state for the studio. No writer can forget one.

CREATE FUNCTION media_ops.tell(
    p_source media_ops.source, p_event text, p_rendition text DEFAULT NULL, p_rendition_state text DEFAULT NULL,
    p_manifest_version integer DEFAULT NULL, p_failure jsonb DEFAULT NULL)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('media_state', p_source.media_id::text);
    PERFORM outbox.put('media.lifecycle', p_source.media_id::text, jsonb_build_object(
        'media_id', p_source.media_id, 'source_version', p_source.version, 'event', p_event,
        'status', p_source.state, 'partition_at', p_source.completed_at, 'at', clock_timestamp(),
        'rendition', p_rendition, 'rendition_state', p_rendition_state,
        'manifest_version', p_manifest_version, 'failure', p_failure));
END $$;

CREATE FUNCTION media_ops.tell_source() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM media_ops.tell(NEW, 'item', p_failure => NEW.failure);
    RETURN NULL;
END $$;
CREATE TRIGGER tell_new AFTER INSERT ON media_ops.source
    FOR EACH ROW EXECUTE FUNCTION media_ops.tell_source();
CREATE TRIGGER tell_state AFTER UPDATE OF state ON media_ops.source
    FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION media_ops.tell_source();

CREATE FUNCTION media_ops.tell_rendition() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE v_source media_ops.source;
BEGIN
    SELECT * INTO v_source FROM media_ops.source
        WHERE media_id = NEW.media_id AND version = NEW.source_version;
    PERFORM media_ops.tell(v_source, 'rendition', NEW.name, NEW.state, p_failure => NEW.failure);
    RETURN NULL;
END $$;
CREATE TRIGGER tell_new AFTER INSERT ON media_ops.rendition
    FOR EACH ROW EXECUTE FUNCTION media_ops.tell_rendition();
CREATE TRIGGER tell_state AFTER UPDATE OF state ON media_ops.rendition
    FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION media_ops.tell_rendition();

-- A manifest version is told when it is first served and when it is finished in S3.
CREATE FUNCTION media_ops.tell_manifest() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE v_source media_ops.source;
BEGIN
    SELECT * INTO v_source FROM media_ops.source
        WHERE media_id = NEW.media_id AND version = NEW.source_version;
    PERFORM media_ops.tell(v_source, 'manifest', p_manifest_version => NEW.version);
    RETURN NULL;
END $$;
CREATE TRIGGER tell_rendered AFTER UPDATE OF rendered_revision ON media_ops.manifest
    FOR EACH ROW WHEN (OLD.rendered_revision = 0 AND NEW.rendered_revision > 0
                       OR NEW.state = 'finished' AND NEW.rendered_revision = NEW.revision)
    EXECUTE FUNCTION media_ops.tell_manifest();

CREATE FUNCTION media_ops.tell_art() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE v_source media_ops.source;
BEGIN
    SELECT * INTO v_source FROM media_ops.source
        WHERE media_id = NEW.media_id AND version = NEW.source_version;
    PERFORM media_ops.tell(v_source, 'art');
    RETURN NULL;
END $$;
CREATE TRIGGER tell_art AFTER INSERT ON media_ops.art
    FOR EACH ROW EXECUTE FUNCTION media_ops.tell_art();

-- Jobs: a wake when one is due now, a dead letter when one dies, the studio when a percent is done. ------

CREATE FUNCTION media_ops.wake_for(p_job media_ops.job) RETURNS void LANGUAGE sql AS $$
    SELECT outbox.put('media.jobs', p_job.media_id::text, jsonb_build_object(
        'media_id', p_job.media_id, 'job_id', p_job.job_id, 'kind', p_job.kind, 'lane', p_job.lane))
$$;

CREATE FUNCTION media_ops.tell_job_due() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM media_ops.wake_for(NEW);
    RETURN NULL;
END $$;
CREATE TRIGGER wake_new AFTER INSERT ON media_ops.job
    FOR EACH ROW WHEN (NEW.state = 'queued' AND NEW.due_at <= now()) EXECUTE FUNCTION media_ops.tell_job_due();
CREATE TRIGGER wake_again AFTER UPDATE OF state ON media_ops.job
    FOR EACH ROW WHEN (OLD.state <> 'queued' AND NEW.state = 'queued' AND NEW.due_at <= now())
    EXECUTE FUNCTION media_ops.tell_job_due();

CREATE FUNCTION media_ops.tell_job_dead() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM outbox.put('media.jobs.dlq', NEW.media_id::text, jsonb_build_object(
        'media_id', NEW.media_id, 'job_id', NEW.job_id, 'source_version', NEW.source_version,
        'kind', NEW.kind, 'lane', NEW.lane, 'rungs', to_jsonb(NEW.rungs), 'attempts', NEW.attempts,
        'lost_leases', NEW.lost_leases, 'detail', coalesce(NEW.last_error ->> 'detail', ''),
        'failure', jsonb_build_object(
            'code', coalesce(NEW.last_error ->> 'code', 'unknown'),
            'message', coalesce(NEW.last_error ->> 'message', ''),
            'action', coalesce(NEW.last_error ->> 'action', '')),
        'died_at', clock_timestamp()));
    RETURN NULL;
END $$;
CREATE TRIGGER tell_dead AFTER UPDATE OF state ON media_ops.job
    FOR EACH ROW WHEN (OLD.state <> 'dead' AND NEW.state = 'dead') EXECUTE FUNCTION media_ops.tell_job_dead();

CREATE FUNCTION media_ops.tell_progress() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('media_state', NEW.media_id::text);
    RETURN NULL;
END $$;
CREATE TRIGGER tell_progress AFTER UPDATE OF progress ON media_ops.job
    FOR EACH ROW WHEN (floor(OLD.progress * 100) <> floor(NEW.progress * 100))
    EXECUTE FUNCTION media_ops.tell_progress();
