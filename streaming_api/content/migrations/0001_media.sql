-- Channels and media, and who may see them. Owner: role content. Media work knows none of this.
CREATE TABLE content.channel (
    channel_id    uuid PRIMARY KEY,
    owner_id      uuid NOT NULL UNIQUE,
    display_name  text NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE content.media (
    media_id    uuid PRIMARY KEY,
    owner_id    uuid NOT NULL,
    title       text NOT NULL CHECK (char_length(title) BETWEEN 1 AND 200),
    visibility  text NOT NULL CHECK (visibility IN ('public', 'unlisted', 'private')),
    audience    text NOT NULL DEFAULT 'owner' CHECK (audience IN ('owner', 'public', 'held')),
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    deleted_at  timestamptz
);
CREATE INDEX media_newest ON content.media (created_at DESC, media_id DESC) WHERE deleted_at IS NULL;
CREATE INDEX media_owner ON content.media (owner_id, created_at DESC, media_id DESC) WHERE deleted_at IS NULL;

-- Called by uploads inside its own transaction when an upload is created.
CREATE FUNCTION content.create_media(p_media_id uuid, p_owner_id uuid, p_title text, p_visibility text)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = content, pg_temp AS $$
    INSERT INTO content.media (media_id, owner_id, title, visibility)
    VALUES (p_media_id, p_owner_id, p_title, p_visibility)
$$;

-- Called by uploads inside `complete`. The policy asks for no check yet, so the audience is public at
-- once; later checks (virus scan, fingerprint, moderation) make it wait here.
CREATE FUNCTION content.decide_audience(p_media_id uuid)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = content, pg_temp AS $$
    UPDATE content.media SET audience = 'public', updated_at = now()
    WHERE media_id = p_media_id AND audience = 'owner'
$$;

-- Called by uploads when an upload is aborted or expires: the item never existed for anyone else.
CREATE FUNCTION content.drop_unfinished(p_media_id uuid)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = content, pg_temp AS $$
    UPDATE content.media SET deleted_at = now() WHERE media_id = p_media_id AND deleted_at IS NULL
$$;

-- Who may see an item: all that playback and pipelines need to know of it.
CREATE VIEW content.media_access AS
    SELECT media_id, owner_id, title, visibility, audience, created_at
    FROM content.media WHERE deleted_at IS NULL;

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA content FROM PUBLIC;
GRANT USAGE ON SCHEMA content TO uploads, playback, pipelines;
GRANT EXECUTE ON FUNCTION content.create_media(uuid, uuid, text, text), content.decide_audience(uuid),
      content.drop_unfinished(uuid) TO uploads;
GRANT SELECT ON content.media_access TO playback, pipelines;
