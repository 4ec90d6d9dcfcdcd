-- How long an item is, also after its deletion: the view rule asks for half of a short one.
CREATE VIEW media_ops.media_length AS SELECT media_id, kind, duration_s FROM media_ops.current_source;

GRANT USAGE ON SCHEMA media_ops TO creators;
GRANT SELECT ON media_ops.media_length TO creators;
