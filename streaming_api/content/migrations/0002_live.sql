-- Channels by function, live state of items by NOTIFY, and an audience that is not decided for the deleted.

-- Whoever uploads has a channel; it has no name until its owner gives it one.
CREATE FUNCTION content.ensure_channel(p_owner_id uuid)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = content, pg_temp AS $$
    INSERT INTO content.channel (channel_id, owner_id, display_name)
    VALUES (uuidv7(), p_owner_id, '')
    ON CONFLICT (owner_id) DO NOTHING
$$;

-- False when the item was deleted meanwhile: then nothing may be made of it. Locks the item's row, which
-- content's delete does first too: one order, no deadlock.
DROP FUNCTION content.decide_audience(uuid);
CREATE FUNCTION content.decide_audience(p_media_id uuid)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = content, pg_temp AS $$
BEGIN
    UPDATE content.media SET audience = CASE audience WHEN 'owner' THEN 'public' ELSE audience END,
                             updated_at = now()
    WHERE media_id = p_media_id AND deleted_at IS NULL;
    RETURN FOUND;
END $$;

-- The studio hears of each change of an item's row (media_ops tells of its own rows on the same channel).
CREATE FUNCTION content.tell_media() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('media_state', NEW.media_id::text);
    RETURN NULL;
END $$;
CREATE TRIGGER tell_media AFTER INSERT OR UPDATE ON content.media
    FOR EACH ROW EXECUTE FUNCTION content.tell_media();

-- The feed reads items anyone may find, newest first.
CREATE INDEX media_feed ON content.media (created_at DESC, media_id DESC)
    WHERE deleted_at IS NULL AND visibility = 'public' AND audience = 'public';

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA content FROM PUBLIC;
GRANT EXECUTE ON FUNCTION content.ensure_channel(uuid), content.decide_audience(uuid) TO uploads;
