"""The SQL of identity: accounts, passwords, sessions, refresh tokens. No rules here, only rows."""

from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from mcsp.database.pool import Connection

_INSERT_ACCOUNT = """
WITH made AS (
    INSERT INTO identity.account (user_id, email, email_given, display_name) VALUES ($1, $2, $3, $4)
    ON CONFLICT (email) DO NOTHING RETURNING user_id)
INSERT INTO identity.password (user_id, hash) SELECT user_id, $5 FROM made RETURNING user_id
"""
_CREDENTIALS = """
SELECT a.user_id, p.hash FROM identity.account a JOIN identity.password p USING (user_id)
WHERE a.email = $1 AND a.disabled_at IS NULL
"""
_REHASH = "UPDATE identity.password SET hash = $3 WHERE user_id = $1 AND hash = $2"
_INSERT_SESSION = """
INSERT INTO identity.session (session_id, user_id, expires_at)
VALUES ($1, $2, now() + make_interval(secs => $3))
"""
_INSERT_REFRESH = """
INSERT INTO identity.refresh_token (token_sha256, session_id, expires_at)
SELECT $1, session_id, least(expires_at, now() + make_interval(secs => $3))
FROM identity.session WHERE session_id = $2
"""
# Of two at once exactly one gets the row; the other sees used_at set and counts as a reuse.
_USE_REFRESH = """
UPDATE identity.refresh_token t SET used_at = now()
FROM identity.session s JOIN identity.account a USING (user_id)
WHERE t.token_sha256 = $1 AND t.used_at IS NULL AND t.expires_at > now() AND s.session_id = t.session_id
  AND s.revoked_at IS NULL AND s.expires_at > now() AND a.disabled_at IS NULL
RETURNING s.session_id, s.user_id
"""
_RENEWED = "UPDATE identity.session SET renewed_at = now() WHERE session_id = $1"
_FIND_REFRESH = """
SELECT t.session_id, s.user_id, t.used_at IS NOT NULL AS used
FROM identity.refresh_token t JOIN identity.session s USING (session_id) WHERE t.token_sha256 = $1
"""
_REVOKE = """
UPDATE identity.session SET revoked_at = now(), revoke_reason = $3
WHERE session_id = $1 AND user_id = $2 AND revoked_at IS NULL
"""
_LIVE = """
SELECT a.user_id, a.email_given AS email, a.display_name, a.confirmed_at IS NOT NULL AS confirmed,
       a.created_at
FROM identity.session s JOIN identity.account a USING (user_id)
WHERE s.session_id = $1 AND s.user_id = $2 AND s.revoked_at IS NULL AND s.expires_at > now()
  AND a.disabled_at IS NULL
"""
_FORGET = "DELETE FROM identity.session WHERE expires_at < now() - interval '30 days'"


class Holder(msgspec.Struct, frozen=True):
    """Whose session a refresh token belongs to."""

    session_id: UUID
    user_id: UUID
    used: bool = False


class LiveSession(msgspec.Struct, frozen=True):
    """A session that is good, with what ``/v1/me`` shows of its person."""

    user_id: UUID
    email: str
    display_name: str
    confirmed: bool
    created_at: datetime


async def insert_account(
    connection: Connection, user_id: UUID, email: str, given: str, display_name: str, password_hash: str
) -> bool:
    """Make an account; False when the address has one."""
    return bool(
        await connection.fetchval(_INSERT_ACCOUNT, user_id, email, given, display_name, password_hash)
    )


async def find_credentials(pool: asyncpg.Pool, email: str) -> tuple[UUID, str] | None:
    """User id and password hash of an address."""
    row = await pool.fetchrow(_CREDENTIALS, email)
    return (row["user_id"], row["hash"]) if row else None


async def replace_hash(pool: asyncpg.Pool, user_id: UUID, old: str, new: str) -> None:
    """Store a hash with today's parameters, unless the password was changed meanwhile."""
    await pool.execute(_REHASH, user_id, old, new)


async def insert_session(connection: Connection, session_id: UUID, user_id: UUID, life_s: int) -> None:
    """Begin a session that ends after ``life_s`` seconds at the latest."""
    await connection.execute(_INSERT_SESSION, session_id, user_id, life_s)


async def insert_token(connection: Connection, digest: bytes, session_id: UUID, life_s: int) -> None:
    """Add a refresh token to a session."""
    await connection.execute(_INSERT_REFRESH, digest, session_id, life_s)


async def use_token(connection: Connection, digest: bytes) -> Holder | None:
    """Use up a refresh token; None when it is not good (any more)."""
    row = await connection.fetchrow(_USE_REFRESH, digest)
    if row is None:
        return None
    await connection.execute(_RENEWED, row["session_id"])
    return Holder(row["session_id"], row["user_id"])


async def find_token(connection: Connection, digest: bytes) -> Holder | None:
    """Whose token this is, and whether it was used."""
    row = await connection.fetchrow(_FIND_REFRESH, digest)
    return Holder(row["session_id"], row["user_id"], row["used"]) if row else None


async def revoke_session(connection: Connection, session_id: UUID, user_id: UUID, reason: str) -> bool:
    """End a session; False when it had ended."""
    return (await connection.execute(_REVOKE, session_id, user_id, reason)) == "UPDATE 1"


async def find_live_session(pool: asyncpg.Pool, session_id: UUID, user_id: UUID) -> LiveSession | None:
    """The session if it is good."""
    row = await pool.fetchrow(_LIVE, session_id, user_id)
    return LiveSession(**row) if row else None


async def forget_old_sessions(pool: asyncpg.Pool) -> int:
    """Delete sessions (with their tokens) that ended a month ago; gives how many."""
    return int((await pool.execute(_FORGET)).split()[-1])
