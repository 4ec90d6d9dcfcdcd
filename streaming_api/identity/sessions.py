"""The rules of sessions: beginning, renewing with rotation, ending, and whether one is good.

A session is a family of refresh tokens (RFC 9700, 4.14): each is good once; one that comes a second time
ends the whole family. PostgreSQL decides; Valkey answers "is it good" for a minute.
"""

from dataclasses import dataclass
from uuid import UUID

import asyncpg
import msgspec
import structlog

from mcsp.cache import Cache, CacheDownError
from mcsp.database.pool import Connection
from mcsp.errors import UnauthorizedError
from mcsp.ids import uuid7
from streaming_api.frame.callers import Person
from streaming_api.identity import repository
from streaming_api.identity.repository import Holder, LiveSession
from streaming_api.identity.schemas import Tokens
from streaming_api.identity.tokens import ACCESS_S, Signer, bad_refresh_token, digest_of, new_refresh_token

log = structlog.get_logger()

SESSION_S = 180 * 24 * 3600
REFRESH_S = 30 * 24 * 3600
CACHED_S = 60
ENDED_S = 2 * ACCESS_S
"""How long Valkey says that a session has ended: longer than any access token of it lives."""


class _Remembered(msgspec.Struct, frozen=True):
    """What Valkey keeps of a session: what ``/v1/me`` shows, or None when it has ended."""

    session: LiveSession | None


def _key(session_id: UUID) -> str:
    return f"session:{{{session_id}}}"


def _ended() -> UnauthorizedError:
    return UnauthorizedError("session_ended", "This session has ended.", action="Log in again.")


@dataclass(frozen=True)
class Sessions:
    """Begins, renews and ends sessions."""

    pool: asyncpg.Pool
    cache: Cache
    signer: Signer

    async def begin(self, user_id: UUID) -> Tokens:
        """A new session of a person."""
        session_id, token = uuid7(), new_refresh_token()
        async with self.pool.acquire() as connection, connection.transaction():
            await repository.insert_session(connection, session_id, user_id, SESSION_S)
            await repository.insert_token(connection, digest_of(token), session_id, REFRESH_S)
        return self._tokens(user_id, session_id, token)

    async def renew(self, refresh_token: str) -> Tokens:
        """New tokens for a refresh token's session. Raises UnauthorizedError; a reuse ends the session."""
        digest, token = digest_of(refresh_token), new_refresh_token()
        async with self.pool.acquire() as connection, connection.transaction():
            holder = await repository.use_token(connection, digest)
            if holder is not None:
                await repository.insert_token(connection, digest_of(token), holder.session_id, REFRESH_S)
                return self._tokens(holder.user_id, holder.session_id, token)
            holder = await repository.find_token(connection, digest)
            if holder is not None and holder.used:
                await self._revoke(connection, holder, "reuse")
                log.warning(
                    "refresh token reused, session ended",
                    user_id=str(holder.user_id), session_id=str(holder.session_id),
                )  # fmt: skip
        if holder is not None and holder.used:
            await self._tell_ended(holder.session_id)
        raise bad_refresh_token()

    async def end(self, refresh_token: str | None, person: Person | None) -> None:
        """End a session, by its refresh token or by its access token; one that has ended stays so."""
        async with self.pool.acquire() as connection, connection.transaction():
            if refresh_token is not None:
                holder = await repository.find_token(connection, digest_of(refresh_token))
            elif person is not None:
                holder = Holder(person.session_id, person.user_id)
            else:
                raise UnauthorizedError(
                    "not_logged_in", "Nobody is logged in.", action="Send the refresh token, or log in first."
                )
            if holder is None:
                raise bad_refresh_token()
            await self._revoke(connection, holder, "logout")
        await self._tell_ended(holder.session_id)

    async def live(self, person: Person) -> LiveSession:
        """The session of a caller. Raises UnauthorizedError when it has ended.

        Fallback when Valkey is down: the database.
        """
        key = _key(person.session_id)
        try:
            known = await self.cache.get(key, _Remembered)
        except CacheDownError:
            return await self._live_by_database(person)
        if known is not None and known.session is None:
            raise _ended()
        if known is not None and known.session and known.session.user_id == person.user_id:
            return known.session
        session = await self._live_by_database(person)
        try:
            # Only where nothing is: a session that ended meanwhile stays ended.
            await self.cache.put(key, _Remembered(session), CACHED_S, only_new=True)
        except CacheDownError as error:
            log.info("session not cached", error=error.code)
        return session

    async def _live_by_database(self, person: Person) -> LiveSession:
        session = await repository.find_live_session(self.pool, person.session_id, person.user_id)
        if session is None:
            raise _ended()
        return session

    async def _revoke(self, connection: Connection, holder: Holder, reason: str) -> None:
        await repository.revoke_session(connection, holder.session_id, holder.user_id, reason)

    async def _tell_ended(self, session_id: UUID) -> None:
        """Tell Valkey at once. Fallback: what it remembers of the session is gone within a minute."""
        try:
            await self.cache.put(_key(session_id), _Remembered(None), ENDED_S)
        except CacheDownError as error:
            log.warning("end of session not cached", error=error.code, session_id=str(session_id))

    def _tokens(self, user_id: UUID, session_id: UUID, refresh_token: str) -> Tokens:
        return Tokens(self.signer.access_token(user_id, session_id), refresh_token, ACCESS_S)
