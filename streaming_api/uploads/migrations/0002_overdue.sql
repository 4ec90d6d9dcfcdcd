-- Violations of "never stuck" among uploads: open, and past their time by more than ten minutes. The sweeper
-- ends them every ten seconds; what is here, it cannot ask the store about, or nobody sweeps. Must be empty.
CREATE VIEW uploads.overdue AS
    SELECT upload_id, media_id, owner_id, expires_at, joining_at FROM uploads.upload
    WHERE state = 'open' AND expires_at < now() - interval '10 minutes';

GRANT USAGE ON SCHEMA uploads TO pipelines;
GRANT SELECT ON uploads.overdue TO pipelines;
