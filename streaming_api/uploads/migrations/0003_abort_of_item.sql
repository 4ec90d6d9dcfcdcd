-- Called by content inside its own transaction when an item is deleted: an upload that is still open ends, and
-- the sweeper cleans the store. Content calls it before it touches its own row, since `complete` and a
-- cancellation lock the upload first and the item then: one order, no deadlock.
CREATE FUNCTION uploads.abort_of_item(p_media_id uuid, p_owner_id uuid)
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = uploads, pg_temp AS $$
BEGIN
    UPDATE upload SET state = 'aborted', ended_at = now()
    WHERE media_id = p_media_id AND owner_id = p_owner_id AND state = 'open';
    RETURN FOUND;
END $$;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA uploads FROM PUBLIC;
GRANT USAGE ON SCHEMA uploads TO content;
GRANT EXECUTE ON FUNCTION uploads.abort_of_item(uuid, uuid) TO content;
