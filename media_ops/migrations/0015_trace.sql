-- A job keeps the trace of whoever put it: the request for an inspect or a retry, the inspect for what it
-- planned. Every attempt continues that trace, also one that found the job by polling. Who puts a job sets
-- mcsp.trace for the transaction (see outbox.put); without it the job begins a trace of its own.
ALTER TABLE media_ops.job ADD COLUMN trace jsonb NOT NULL DEFAULT '{}';  -- headers of W3C Trace Context

CREATE FUNCTION media_ops.note_trace() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.trace := coalesce(nullif(current_setting('mcsp.trace', true), '')::jsonb, '{}');
    RETURN NEW;
END $$;
CREATE TRIGGER note_trace_new BEFORE INSERT ON media_ops.job
    FOR EACH ROW EXECUTE FUNCTION media_ops.note_trace();
-- Put again, it has another cause; one more attempt or lease of the same job has not.
CREATE TRIGGER note_trace_again BEFORE UPDATE OF state ON media_ops.job
    FOR EACH ROW WHEN (OLD.state IN ('done', 'dead', 'cancelled') AND NEW.state = 'queued')
    EXECUTE FUNCTION media_ops.note_trace();

CREATE OR REPLACE FUNCTION media_ops.wake_for(p_job media_ops.job) RETURNS void LANGUAGE sql AS $$
    SELECT outbox.put('media.jobs', p_job.media_id::text, jsonb_build_object(
        'media_id', p_job.media_id, 'job_id', p_job.job_id, 'kind', p_job.kind, 'lane', p_job.lane),
        p_job.trace)
$$;
