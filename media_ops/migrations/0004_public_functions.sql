-- The functions other rooms call inside their own transaction (SECURITY DEFINER, as role media_ops).

-- What changes more of an item than one job's own rows takes this lock first, then the job's row, then
-- manifests by version. What a job publishes is fenced by its own row instead (media_ops/ledger/publish.py).
CREATE FUNCTION media_ops.lock_item(p_media_id uuid) RETURNS void LANGUAGE sql AS $$
    SELECT pg_advisory_xact_lock(hashtextextended(p_media_id::text, 1))
$$;

-- An id that sorts by time (UUIDv7, RFC 9562).
CREATE FUNCTION media_ops.new_id() RETURNS uuid LANGUAGE sql VOLATILE AS $$ SELECT uuidv7() $$;

-- Puts a job: in for the first time, or back into the queue with all its tries. The one place that does.
-- True when that changed something. What is there already stays as it is
--   while a live job makes those rungs: its lease is not touched;
--   where an inspect is dead: it has its card and its replay;
--   where art was drawn, or could not be: it is drawn once.
-- A dead, done or cancelled job of a rung lives again: whoever puts it has found that the rung waits. A purge
-- is due again even while one runs, for that one may have passed by already. The caller has the item's lock.
CREATE FUNCTION media_ops.put_job(
    p_media_id uuid, p_source_version integer, p_kind text, p_lane text, p_slot text, p_rungs text[] DEFAULT '{}',
    p_priority integer DEFAULT NULL, p_cost_s double precision DEFAULT NULL, p_chunk integer DEFAULT 0,
    p_after interval DEFAULT '0')
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO media_ops.job AS j
        (job_id, media_id, source_version, kind, lane, slot, chunk, rungs, priority, cost_s, due_at)
        VALUES (media_ops.new_id(), p_media_id, p_source_version, p_kind, p_lane, p_slot, p_chunk, p_rungs,
                coalesce(p_priority, 5), coalesce(p_cost_s, 1), now() + p_after)
        ON CONFLICT (media_id, source_version, kind, lane, chunk, rungs) DO UPDATE
            SET state = 'queued', due_at = excluded.due_at, slot = excluded.slot,
                priority = coalesce(p_priority, j.priority), cost_s = coalesce(p_cost_s, j.cost_s),
                attempts = 0, lost_leases = 0, progress = 0, last_error = NULL, started_at = NULL,
                finished_at = NULL, lease_token = NULL, lease_until = NULL, leased_by = NULL
            WHERE CASE j.kind WHEN 'purge' THEN true WHEN 'art' THEN false
                              WHEN 'inspect' THEN j.state IN ('done', 'cancelled')
                              ELSE j.state NOT IN ('queued', 'running') END;
    RETURN FOUND;
END $$;

-- The source row, its inspect job and the wake. The same ETag twice gives the same version and changes
-- nothing; another ETag is the next version. NULL when the item was deleted meanwhile.
CREATE FUNCTION media_ops.enqueue_source(
    p_media_id uuid, p_owner_id uuid, p_bucket text, p_key text, p_etag text, p_size_bytes bigint,
    p_filename text, p_content_type text)
RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = media_ops, pg_temp AS $$
DECLARE v_last source; v_version integer;
BEGIN
    PERFORM lock_item(p_media_id);
    SELECT * INTO v_last FROM source WHERE media_id = p_media_id ORDER BY version DESC LIMIT 1;
    IF v_last.state = 'deleted' THEN RETURN NULL; END IF;
    IF v_last.etag = p_etag THEN RETURN v_last.version; END IF;
    v_version := coalesce(v_last.version, 0) + 1;
    INSERT INTO source (media_id, version, owner_id, bucket, key, etag, size_bytes, filename, content_type)
        VALUES (p_media_id, v_version, p_owner_id, p_bucket, p_key, p_etag, p_size_bytes, p_filename,
                p_content_type);
    PERFORM put_job(p_media_id, v_version, 'inspect', 'inspect', 'quick', p_priority => 0);
    RETURN v_version;
END $$;

-- The item's jobs are void from here on (their leases too), its objects go. Two purges: one at once, one
-- after any worker that still held a lease has noticed. False where there is nothing to delete.
CREATE FUNCTION media_ops.delete_media(p_media_id uuid)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = media_ops, pg_temp AS $$
DECLARE v_version integer;
BEGIN
    PERFORM lock_item(p_media_id);
    SELECT max(version) INTO v_version FROM source WHERE media_id = p_media_id AND state <> 'deleted';
    IF v_version IS NULL THEN RETURN false; END IF;
    UPDATE job SET state = 'cancelled', lease_token = NULL, lease_until = NULL, leased_by = NULL,
                   finished_at = now()
        WHERE media_id = p_media_id AND state IN ('queued', 'running');
    UPDATE source SET state = 'deleted' WHERE media_id = p_media_id AND state <> 'deleted';
    PERFORM put_job(p_media_id, v_version, 'purge', 'inspect', 'quick', p_priority => 6),
            put_job(p_media_id, v_version, 'purge', 'inspect', 'quick', p_priority => 6, p_chunk => 1,
                    p_after => '2 min');
    RETURN true;
END $$;

-- Dead jobs live again, their rungs wait again, a failed item goes on where it was. The caller has the lock.
CREATE FUNCTION media_ops.revive(p_media_id uuid, p_source_version integer, p_jobs uuid[])
RETURNS integer LANGUAGE plpgsql AS $$
DECLARE v_count integer;
BEGIN
    UPDATE media_ops.rendition r SET state = 'queued', failure = NULL
        WHERE r.media_id = p_media_id AND r.state = 'failed' AND r.digest IN (
            SELECT unnest(j.rungs) FROM media_ops.job j
            WHERE j.job_id = ANY (p_jobs) AND j.state = 'dead' AND j.kind <> 'purge');
    UPDATE media_ops.job SET state = 'queued', attempts = 0, lost_leases = 0, due_at = now(), progress = 0,
                             finished_at = NULL, started_at = NULL
        WHERE job_id = ANY (p_jobs) AND state = 'dead';
    GET DIAGNOSTICS v_count = ROW_COUNT;
    UPDATE media_ops.source SET failure = NULL, state = CASE
            WHEN inspected_at IS NULL THEN 'inspecting'
            WHEN playable_at IS NULL THEN 'processing' ELSE 'playable' END
        WHERE media_id = p_media_id AND version = p_source_version AND state = 'failed' AND v_count > 0;
    RETURN v_count;
END $$;

-- For the creator: replays the dead jobs of an item whose error may pass by itself. False where none is.
CREATE FUNCTION media_ops.retry_media(p_media_id uuid)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = media_ops, pg_temp AS $$
DECLARE v_version integer; v_jobs uuid[];
BEGIN
    PERFORM lock_item(p_media_id);
    SELECT version INTO v_version FROM current_source WHERE media_id = p_media_id AND state <> 'deleted';
    SELECT array_agg(job_id) INTO v_jobs FROM job
        WHERE media_id = p_media_id AND source_version = v_version AND state = 'dead'
          AND (last_error ->> 'retryable')::boolean;
    IF v_jobs IS NULL THEN RETURN false; END IF;
    RETURN revive(p_media_id, v_version, v_jobs) > 0;
END $$;

-- For the operator: replays one dead job whatever its error. False where it is not dead.
CREATE FUNCTION media_ops.replay_job(p_job_id uuid)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = media_ops, pg_temp AS $$
DECLARE v_job job;
BEGIN
    SELECT * INTO v_job FROM job WHERE job_id = p_job_id;
    IF v_job.job_id IS NULL THEN RETURN false; END IF;
    PERFORM lock_item(v_job.media_id);
    IF EXISTS (SELECT FROM source WHERE media_id = v_job.media_id AND state = 'deleted')
       AND v_job.kind <> 'purge' THEN RETURN false; END IF;
    RETURN revive(v_job.media_id, v_job.source_version, ARRAY[p_job_id]) > 0;
END $$;

-- For pipelines: only the jobs that are missing. With p_recipe: an item that follows another recipe is
-- planned again (its inspect job runs once more; what the new recipe leaves unchanged is not made again).
-- Gives the number of jobs put. What is dead with its rung is not missing: it has its card and its replay;
-- nor is the art of an audio item without a picture.
CREATE FUNCTION media_ops.enqueue_missing(p_media_id uuid, p_recipe text DEFAULT NULL)
RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = media_ops, pg_temp AS $$
DECLARE v_source source; v_rung record; v_count integer := 0;
BEGIN
    PERFORM lock_item(p_media_id);
    SELECT * INTO v_source FROM current_source WHERE media_id = p_media_id;
    IF v_source.media_id IS NULL OR v_source.state IN ('deleted', 'held', 'rejected', 'failed') THEN
        RETURN 0;
    END IF;
    IF v_source.inspected_at IS NULL OR p_recipe IS NOT NULL AND v_source.recipe IS DISTINCT FROM p_recipe THEN
        RETURN put_job(p_media_id, v_source.version, 'inspect', 'inspect', 'quick', '{}')::integer;
    END IF;
    FOR v_rung IN
        SELECT r.digest, r.kind, r.rung ->> 'mode' = 'copy' AS as_is FROM rendition r
        WHERE r.media_id = p_media_id AND r.source_version = v_source.version
          AND r.state IN ('queued', 'running')
          AND NOT EXISTS (SELECT FROM job j WHERE j.media_id = r.media_id AND r.digest = ANY (j.rungs)
                             AND j.kind <> 'purge' AND j.state IN ('queued', 'running'))
    LOOP
        v_count := v_count + put_job(
            p_media_id, v_source.version,
            CASE WHEN v_rung.as_is THEN 'copy' WHEN v_rung.kind = 'audio' THEN 'audio' ELSE 'encode' END,
            v_rung.kind, CASE WHEN v_rung.as_is THEN 'quick' ELSE 'encode' END,
            ARRAY[v_rung.digest])::integer;
    END LOOP;
    IF (v_source.kind = 'video' OR jsonb_array_length(v_source.description -> 'pictures') > 0)
       AND NOT EXISTS (SELECT FROM art WHERE media_id = p_media_id)
       AND NOT EXISTS (SELECT FROM job WHERE media_id = p_media_id AND source_version = v_source.version
                          AND kind = 'art') THEN
        v_count := v_count + put_job(p_media_id, v_source.version, 'art', 'video', 'quick', '{}')::integer;
    END IF;
    RETURN v_count;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA media_ops FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    media_ops.enqueue_source(uuid, uuid, text, text, text, bigint, text, text) TO uploads;
GRANT EXECUTE ON FUNCTION media_ops.delete_media(uuid), media_ops.retry_media(uuid) TO content;
GRANT EXECUTE ON FUNCTION media_ops.enqueue_missing(uuid, text) TO pipelines;
