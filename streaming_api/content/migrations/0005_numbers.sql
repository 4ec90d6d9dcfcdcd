-- What creators' numbers need of items: whose they are, and their names. Deleted ones too: a view that was
-- counted does not vanish with its item.
CREATE VIEW content.media_numbers AS
    SELECT media_id, owner_id, title, created_at, deleted_at IS NOT NULL AS deleted FROM content.media;

GRANT USAGE ON SCHEMA content TO creators;
GRANT SELECT ON content.media_numbers TO creators;
