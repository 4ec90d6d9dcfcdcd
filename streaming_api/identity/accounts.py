"""The rules of accounts: registering, and checking credentials without telling who exists.

Passwords are hashed outside of any transaction: a rush of registrations waits for argon2, not with every
connection of the pool in its hands.
"""

from dataclasses import dataclass
from uuid import UUID

import asyncpg

from mcsp.database.pool import Connection
from mcsp.errors import ConflictError, InvalidInputError, UnauthorizedError
from mcsp.idempotency import Answer, Idempotency, answer_of, digest_of
from mcsp.ids import uuid7
from streaming_api.identity import repository
from streaming_api.identity.emails import normalised
from streaming_api.identity.passwords import Passwords
from streaming_api.identity.schemas import Login, Register, Registered


@dataclass(frozen=True)
class Accounts:
    """Registers people and checks their credentials."""

    pool: asyncpg.Pool
    passwords: Passwords
    idempotency: Idempotency
    request_secret: bytes
    """Keys the digests of requests that hold a password."""

    async def register(self, request: Register, key: str | None) -> Answer:
        """Make an account, once by ``key``. Raises ConflictError when the address has one.

        That an address is taken is told: whoever registers may log in at once, so a silent success would
        be found out by one login. The rate limit is what slows a search.
        """
        name = request.display_name.strip()
        if not name or not name.isprintable():
            raise InvalidInputError(
                "bad_display_name", "The display name must hold visible characters.",
                action="Write at least one letter, digit or sign.", field="display_name",
            )  # fmt: skip
        email = normalised(request.email)
        scope = f"register:{request.email.strip().casefold()}"
        digest = digest_of("register", request, secret=self.request_secret)
        if (known := await self.idempotency.known(scope=scope, key=key, digest=digest)) is not None:
            return known
        hashed = await self.passwords.hash(request.password)

        async def work(connection: Connection) -> Answer:
            user_id, given = uuid7(), request.email.strip()
            if not await repository.insert_account(connection, user_id, email, given, name, hashed):
                raise ConflictError(
                    "email_taken", "There is an account with this e-mail address.", action="Log in instead."
                )
            return answer_of(201, Registered(user_id))

        return await self.idempotency.run(work, scope=scope, key=key, digest=digest)

    async def authenticate(self, request: Login) -> UUID:
        """The user of these credentials. Raises UnauthorizedError, the same and as late for any reason."""
        found = await self._find(request.email)
        stored = found[1] if found else None
        if not await self.passwords.matches(stored, request.password) or found is None:
            raise UnauthorizedError(
                "bad_credentials", "E-mail address or password is wrong.", action="Check both and try again."
            )
        user_id, current = found
        if self.passwords.outdated(current):
            fresh = await self.passwords.hash(request.password)
            await repository.replace_hash(self.pool, user_id, current, fresh)
        return user_id

    async def _find(self, address: str) -> tuple[UUID, str] | None:
        try:
            email = normalised(address)
        except InvalidInputError:
            email = ""  # looked up all the same, and found by nobody: a bad address takes as long
        return await repository.find_credentials(self.pool, email)
