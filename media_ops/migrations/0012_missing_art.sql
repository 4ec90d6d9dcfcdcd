-- An audio item without a picture has no art, so none is missing: the job that looked for it in vain was put
-- whenever its hour was first made whole. All else is as in 0004.

CREATE OR REPLACE FUNCTION media_ops.enqueue_missing(p_media_id uuid, p_recipe text DEFAULT NULL)
RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = media_ops, pg_temp AS $$
DECLARE v_source source; v_rung record; v_count integer := 0;
BEGIN
    PERFORM lock_item(p_media_id);
    SELECT * INTO v_source FROM current_source WHERE media_id = p_media_id;
    IF v_source.media_id IS NULL OR v_source.state IN ('deleted', 'held', 'rejected', 'failed') THEN
        RETURN 0;
    END IF;
    IF v_source.inspected_at IS NULL OR p_recipe IS NOT NULL AND v_source.recipe IS DISTINCT FROM p_recipe THEN
        RETURN requeue(p_media_id, v_source.version, 'inspect', 'inspect', 'quick', '{}')::integer;
    END IF;
    FOR v_rung IN
        SELECT r.digest, r.kind, r.rung ->> 'mode' = 'copy' AS as_is FROM rendition r
        WHERE r.media_id = p_media_id AND r.source_version = v_source.version
          AND r.state IN ('queued', 'running')
          AND NOT EXISTS (SELECT FROM job j WHERE j.media_id = r.media_id AND r.digest = ANY (j.rungs)
                             AND j.kind <> 'purge' AND j.state IN ('queued', 'running'))
    LOOP
        v_count := v_count + requeue(
            p_media_id, v_source.version,
            CASE WHEN v_rung.as_is THEN 'copy' WHEN v_rung.kind = 'audio' THEN 'audio' ELSE 'encode' END,
            v_rung.kind, CASE WHEN v_rung.as_is THEN 'quick' ELSE 'encode' END,
            ARRAY[v_rung.digest])::integer;
    END LOOP;
    IF (v_source.kind = 'video' OR jsonb_array_length(v_source.description -> 'pictures') > 0)
       AND NOT EXISTS (SELECT FROM art WHERE media_id = p_media_id)
       AND NOT EXISTS (SELECT FROM job WHERE media_id = p_media_id AND source_version = v_source.version
                          AND kind = 'art') THEN
        v_count := v_count + requeue(p_media_id, v_source.version, 'art', 'video', 'quick', '{}')::integer;
    END IF;
    RETURN v_count;
END $$;
