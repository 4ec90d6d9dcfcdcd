-- When an item's file was whole: the feed's order. By its first part, what took a day to upload would be a day
-- old at its first showing. NULL while it uploads.
ALTER TABLE content.media ADD COLUMN completed_at timestamptz;
UPDATE content.media m SET completed_at = coalesce(
    (SELECT s.completed_at FROM media_ops.media_state s WHERE s.media_id = m.media_id), m.created_at)
WHERE m.audience <> 'owner';

CREATE OR REPLACE FUNCTION content.decide_audience(p_media_id uuid)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = content, pg_temp AS $$
BEGIN
    UPDATE content.media SET audience = CASE audience WHEN 'owner' THEN 'public' ELSE audience END,
                             completed_at = coalesce(completed_at, now()), updated_at = now()
    WHERE media_id = p_media_id AND deleted_at IS NULL;
    RETURN FOUND;
END $$;

DROP INDEX content.media_feed;
CREATE INDEX media_feed ON content.media (completed_at DESC, media_id DESC)
    WHERE deleted_at IS NULL AND visibility = 'public' AND audience = 'public' AND completed_at IS NOT NULL;
