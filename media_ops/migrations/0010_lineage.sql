-- The kept record of what was made of what, item by item. The lineage views of 0002 show what is now;
-- this table keeps what was, with the Dagster run that brought it about where there was one.

CREATE TABLE media_ops.item_lineage (
    asset         text NOT NULL CHECK (asset IN ('sources', 'renditions', 'packages')),
    media_id      uuid NOT NULL,
    output        text NOT NULL,                -- source: ETag; rendition: digest; package: m{version}
    source_version integer NOT NULL,
    inputs        text[] NOT NULL,              -- source: its object; rendition: ETag; package: digests
    recipe        text,
    state         text NOT NULL,
    bytes         bigint,
    partition_at  timestamptz NOT NULL,         -- the UTC hour in which the source arrived
    run_id        text,                         -- null where workers had done it in the normal course
    recorded_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (media_id, asset, output)
);
CREATE INDEX item_lineage_partition ON media_ops.item_lineage (asset, partition_at);

CREATE VIEW media_ops.lineage_now AS
    SELECT 'sources' AS asset, media_id, etag AS output, source_version,
           ARRAY['s3://' || bucket || '/' || key] AS inputs, recipe, state, size_bytes AS bytes, completed_at
    FROM media_ops.source_lineage
    UNION ALL
    SELECT 'renditions', media_id, digest, source_version, ARRAY[etag], recipe, state, bytes, completed_at
    FROM media_ops.rendition_lineage
    UNION ALL
    SELECT 'packages', media_id, 'm' || manifest_version, source_version, rungs, NULL, state, bytes, completed_at
    FROM media_ops.package_lineage;

-- Brings the record of one asset and hour up to date and gives how many rows are new or changed, so that
-- a second call changes nothing. Rows of deleted items stay: they say what once was.
CREATE FUNCTION media_ops.record_lineage(p_asset text, p_hour timestamptz, p_run_id text) RETURNS integer
LANGUAGE sql SECURITY DEFINER SET search_path = media_ops, pg_temp AS $$
    WITH changed AS (
        INSERT INTO item_lineage AS kept
            (asset, media_id, output, source_version, inputs, recipe, state, bytes, partition_at, run_id)
        SELECT asset, media_id, output, source_version, inputs, recipe, state, bytes, p_hour, p_run_id
        FROM lineage_now
        WHERE asset = p_asset AND completed_at >= p_hour AND completed_at < p_hour + interval '1 hour'
        ORDER BY media_id, output
        ON CONFLICT (media_id, asset, output) DO UPDATE
            SET (source_version, inputs, recipe, state, bytes, partition_at, run_id, recorded_at) =
                (excluded.source_version, excluded.inputs, excluded.recipe, excluded.state, excluded.bytes,
                 excluded.partition_at, excluded.run_id, now())
            WHERE (kept.source_version, kept.inputs, kept.recipe, kept.state, kept.bytes)
                  IS DISTINCT FROM
                  (excluded.source_version, excluded.inputs, excluded.recipe, excluded.state, excluded.bytes)
        RETURNING 1)
    SELECT count(*)::integer FROM changed
$$;

REVOKE ALL ON FUNCTION media_ops.record_lineage(text, timestamptz, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION media_ops.record_lineage(text, timestamptz, text) TO pipelines;
GRANT SELECT ON media_ops.item_lineage TO pipelines;
