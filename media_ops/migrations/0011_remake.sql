-- What re-makes need: the grid an item's renditions are on, and a way to have an item planned again.

CREATE OR REPLACE VIEW media_ops.source_lineage AS
    SELECT completed_at, media_id, version AS source_version, owner_id, kind, state, bucket, key, etag,
           size_bytes, filename, content_type, duration_s, description, recipe, loudness, failure,
           inspected_at, playable_at, ready_at, grid
    FROM media_ops.source;

-- For pipelines: has an item planned again, whose plan the caller found to be stale. Its inspect job runs
-- once more; renditions that the plan leaves as they were stay. True when that put a job.
CREATE FUNCTION media_ops.plan_again(p_media_id uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = media_ops, pg_temp AS $$
DECLARE v_source source;
BEGIN
    PERFORM lock_item(p_media_id);
    SELECT * INTO v_source FROM current_source WHERE media_id = p_media_id;
    IF v_source.state IS NULL OR v_source.state NOT IN ('processing', 'playable', 'ready') THEN
        RETURN false;
    END IF;
    RETURN put_job(p_media_id, v_source.version, 'inspect', 'inspect', 'quick', '{}');
END $$;

REVOKE ALL ON FUNCTION media_ops.plan_again(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION media_ops.plan_again(uuid) TO pipelines;
