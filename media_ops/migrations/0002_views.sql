-- The views media_ops publishes: state for services, lineage for pipelines, what must hold for both.

-- The current source version of each item.
CREATE VIEW media_ops.current_source AS
    SELECT DISTINCT ON (media_id) * FROM media_ops.source ORDER BY media_id, version DESC;

-- Seconds of work left in a job: by its own pace once it has shown one, by the planner's estimate before.
CREATE VIEW media_ops.live_job AS
    SELECT j.*,
           CASE WHEN j.state = 'running' AND j.progress > 0.05
                THEN extract(epoch FROM now() - j.started_at) * (1 - j.progress) / j.progress
                ELSE j.cost_s * (1 - j.progress) END AS left_s
    FROM media_ops.job j WHERE j.state IN ('queued', 'running');

-- What services show of an item. progress: share of the work done, weighted by the planner's estimate;
-- eta_s: seconds until ready, with the encodes that wait before this item's own; null when nobody can say.
CREATE VIEW media_ops.media_state AS
    SELECT s.media_id, s.owner_id, s.version AS source_version, s.kind, s.state AS status, s.duration_s,
           CASE WHEN s.state = 'ready' THEN 1.0 ELSE coalesce(w.progress, 0) END::double precision AS progress,
           CASE WHEN s.state = 'ready' THEN 0.0
                WHEN s.state IN ('processing', 'playable') THEN
                     coalesce(w.left_s, 0) + coalesce(ahead.left_s, 0) / workers.live
           END::double precision AS eta_s,
           s.failure, s.filename, s.size_bytes, s.completed_at, s.playable_at, s.ready_at, s.recipe
    FROM media_ops.current_source s
    LEFT JOIN LATERAL (
        SELECT sum(j.cost_s * CASE WHEN j.state = 'done' THEN 1 ELSE j.progress END)
                   / nullif(sum(j.cost_s), 0) AS progress,
               coalesce(sum(l.left_s) FILTER (WHERE j.slot = 'encode'), 0)
                   + coalesce(max(l.left_s) FILTER (WHERE j.slot = 'quick'), 0) AS left_s,
               min(j.due_at) FILTER (WHERE j.slot = 'encode' AND j.state = 'queued') AS waiting_since
        FROM media_ops.job j LEFT JOIN media_ops.live_job l USING (job_id)
        WHERE j.media_id = s.media_id AND j.source_version = s.version
          AND j.kind NOT IN ('art', 'purge') AND j.state <> 'cancelled'
    ) w ON s.state IN ('inspecting', 'processing', 'playable')
    LEFT JOIN LATERAL (
        SELECT sum(l.left_s) AS left_s FROM media_ops.live_job l
        WHERE l.slot = 'encode' AND l.media_id <> s.media_id
          AND (l.state = 'running' OR l.due_at < w.waiting_since)
    ) ahead ON w.waiting_since IS NOT NULL
    LEFT JOIN LATERAL (
        SELECT greatest(count(DISTINCT l.leased_by), 1) AS live FROM media_ops.live_job l
        WHERE l.slot = 'encode' AND l.state = 'running'
    ) workers ON true;

CREATE VIEW media_ops.rendition_state AS
    SELECT r.media_id, r.digest, r.name, r.kind, r.codec, r.width, r.height, r.frame_rate, r.channels,
           r.bitrate, r.recipe, r.state, r.failure, r.published_at
    FROM media_ops.rendition r
    WHERE r.state <> 'superseded';

-- What playback needs in one row: newest manifest version that is in S3, poster, duration.
CREATE VIEW media_ops.playable AS
    SELECT s.media_id, s.duration_s, s.kind, s.state AS status,
           m.version AS manifest_version, m.state AS manifest_state, m.bucket, m.prefix,
           (SELECT a.key FROM media_ops.art a WHERE a.media_id = s.media_id AND a.content_type = 'image/jpeg'
             ORDER BY (a.name = 'poster') DESC LIMIT 1) AS poster_key
    FROM media_ops.current_source s
    JOIN LATERAL (SELECT * FROM media_ops.manifest m
                   WHERE m.media_id = s.media_id AND m.rendered_revision > 0
                   ORDER BY m.version DESC LIMIT 1) m ON true
    WHERE s.state IN ('inspecting', 'processing', 'playable', 'ready');

-- Live jobs that nobody works on or will soon: the lease ran out over 60 s ago (whoever lives takes it back
-- within 5 s), or the job has been due for over 120 s (workers look every 2 s) while nothing that shares its
-- places is leased or was done since. Behind a long queue a job may wait for hours: that queue moves.
CREATE VIEW media_ops.neglected_job AS
    WITH moving AS MATERIALIZED (
        SELECT slot, lane = 'video-gpu' AS gpu FROM media_ops.job
         WHERE state = 'running' AND lease_until > now() - interval '60 s'
        UNION
        SELECT slot, lane = 'video-gpu' FROM media_ops.job
         WHERE state = 'done' AND finished_at > now() - interval '120 s')
    SELECT j.* FROM media_ops.job j
     WHERE j.state = 'running' AND j.lease_until < now() - interval '60 s'
        OR j.state = 'queued' AND j.due_at < now() - interval '120 s'
           AND (j.slot, j.lane = 'video-gpu') NOT IN (SELECT slot, gpu FROM moving);

-- Violations of "never stuck"; must be empty at each moment. An item is playable, failed with a card,
-- held, or has a job that is queued or leased, or a manifest to render; no rung waits without a job that
-- will make it; and what waits is not neglected, so that a system in which nobody works shows here too.
CREATE VIEW media_ops.never_stuck AS
    SELECT s.media_id, s.version AS source_version, s.state AS status, r.reason
    FROM media_ops.current_source s
    CROSS JOIN LATERAL (
        SELECT 'no_live_job' AS reason
        WHERE s.state IN ('inspecting', 'processing') AND NOT EXISTS (
            SELECT FROM media_ops.job j WHERE j.media_id = s.media_id AND j.source_version = s.version
               AND j.kind NOT IN ('art', 'purge')
               AND (j.state = 'queued' OR j.state = 'running' AND j.lease_until IS NOT NULL))
          AND NOT EXISTS (
            SELECT FROM media_ops.manifest m WHERE m.media_id = s.media_id AND m.source_version = s.version
               AND m.revision > m.rendered_revision)
        UNION ALL
        SELECT 'failed_without_card' WHERE s.state IN ('failed', 'rejected') AND s.failure IS NULL
        UNION ALL
        SELECT 'rung_without_job' WHERE s.state IN ('processing', 'playable', 'ready') AND EXISTS (
            SELECT FROM media_ops.rendition d WHERE d.media_id = s.media_id AND d.source_version = s.version
               AND d.state IN ('queued', 'running') AND NOT EXISTS (
                   SELECT FROM media_ops.job j WHERE j.media_id = d.media_id AND d.digest = ANY (j.rungs)
                      AND j.kind <> 'purge' AND j.state IN ('queued', 'running')))
    ) r
    UNION ALL
    SELECT s.media_id, s.version, s.state, 'nobody_works'
    FROM media_ops.current_source s
    WHERE s.state IN ('inspecting', 'processing', 'playable', 'ready') AND (
        EXISTS (SELECT FROM media_ops.manifest m
                 WHERE m.media_id = s.media_id AND m.source_version = s.version
                   AND m.revision > m.rendered_revision AND m.changed_at < now() - interval '120 s')
        OR s.media_id IN (SELECT n.media_id FROM media_ops.neglected_job n
                           WHERE n.kind NOT IN ('art', 'purge')));

-- Lineage, one row a thing, each with the completed_at of its source: the hour of the partition. --------

-- All versions of a source.
CREATE VIEW media_ops.source_lineage AS
    SELECT completed_at, media_id, version AS source_version, owner_id, kind, state, bucket, key, etag,
           size_bytes, filename, content_type, duration_s, description, recipe, loudness, failure,
           inspected_at, playable_at, ready_at
    FROM media_ops.source;

-- Superseded renditions too. media_s: seconds of media that its segments hold.
CREATE VIEW media_ops.rendition_lineage AS
    SELECT s.completed_at, r.media_id, r.source_version, r.digest, r.name, r.kind, r.codec, r.width, r.height,
           r.frame_rate, r.channels, r.sample_rate, r.bitrate, r.peak_bitrate, r.recipe, r.rung, r.state,
           r.bucket, r.init_key, g.segments, g.bytes,
           coalesce(g.ticks::double precision / r.timescale, 0) AS media_s,
           r.created_at, r.published_at, r.failure, s.etag, s.size_bytes
    FROM media_ops.rendition r
    JOIN media_ops.source s ON s.media_id = r.media_id AND s.version = r.source_version
    CROSS JOIN LATERAL (
        SELECT count(*) AS segments, coalesce(sum(x.bytes), 0)::bigint AS bytes,
               coalesce(sum(x.duration_ticks), 0) AS ticks
        FROM media_ops.segment x WHERE x.media_id = r.media_id AND x.digest = r.digest) g;

CREATE VIEW media_ops.package_lineage AS
    SELECT s.completed_at, m.media_id, m.source_version, m.version AS manifest_version, m.rungs, m.state,
           m.bucket, m.prefix, m.target_duration_s, m.created_at, m.finished_at, m.rendered_at,
           g.segments, g.bytes
    FROM media_ops.manifest m
    JOIN media_ops.source s ON s.media_id = m.media_id AND s.version = m.source_version
    CROSS JOIN LATERAL (
        SELECT count(*) AS segments, coalesce(sum(x.bytes), 0)::bigint AS bytes
        FROM media_ops.segment x WHERE x.media_id = m.media_id AND x.digest = ANY (m.rungs)) g;

-- Every object of the media bucket that a row stands for: what a check of S3 compares with.
CREATE VIEW media_ops.object_lineage AS
    SELECT o.media_id, o.bucket, o.key, o.what, s.completed_at
    FROM media_ops.current_source s
    JOIN (
        SELECT media_id, bucket, init_key AS key, 'init' AS what FROM media_ops.rendition
            WHERE init_key IS NOT NULL
        UNION ALL SELECT media_id, bucket, key, 'segment' FROM media_ops.segment
        UNION ALL SELECT media_id, bucket, key, 'art' FROM media_ops.art
        UNION ALL SELECT m.media_id, m.bucket, m.prefix || '/' || f.name, 'manifest'
            FROM media_ops.manifest m
            CROSS JOIN LATERAL (
                SELECT 'master.m3u8' AS name UNION ALL SELECT 'manifest.mpd'
                UNION ALL SELECT r.name || '.m3u8' FROM media_ops.rendition r
                    WHERE r.media_id = m.media_id AND r.digest = ANY (m.rungs)) f
            WHERE m.rendered_revision > 0
    ) o ON o.media_id = s.media_id
    WHERE s.state <> 'deleted';

GRANT USAGE ON SCHEMA media_ops TO uploads, content, playback, pipelines;
GRANT SELECT ON media_ops.media_state, media_ops.rendition_state, media_ops.playable
    TO content, playback, pipelines;
GRANT SELECT ON media_ops.never_stuck, media_ops.source_lineage, media_ops.rendition_lineage,
    media_ops.package_lineage, media_ops.object_lineage TO pipelines;
