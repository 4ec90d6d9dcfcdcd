"""What the identity service opens and its routes share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from mcsp.idempotency import Idempotency
from mcsp.resources import Resources
from streaming_api.frame.rate_limit import RateLimit
from streaming_api.identity.accounts import Accounts
from streaming_api.identity.passwords import Passwords
from streaming_api.identity.sessions import Sessions
from streaming_api.identity.tokens import Signer, signer_from

LOGINS_A_MINUTE = 60
REGISTRATIONS_A_MINUTE = 60


@dataclass(frozen=True)
class Identity:
    """All that identity's routes need."""

    accounts: Accounts
    sessions: Sessions
    login_limit: RateLimit
    register_limit: RateLimit
    signer: Signer

    def public_keys(self) -> dict[str, Any]:
        """The JWK set that checks this service's access tokens."""
        return self.signer.public_keys()


@asynccontextmanager
async def open_identity(resources: Resources) -> AsyncIterator[Identity]:
    """Identity's state while the process runs. Raises ValueError without a key file."""
    key_file = resources.settings.identity_key_file
    if key_file is None:
        raise ValueError("identity needs MCSP_IDENTITY_KEY_FILE (PEM, Ed25519 private key)")
    pool, cache, signer = await resources.pool("identity"), resources.cache, signer_from(key_file)
    passwords = Passwords()
    try:
        yield Identity(
            accounts=Accounts(
                pool, passwords, Idempotency(pool, "identity", cache), signer.secret_for("idempotency")
            ),
            sessions=Sessions(pool, cache, signer),
            login_limit=RateLimit(cache, "login", LOGINS_A_MINUTE),
            register_limit=RateLimit(cache, "register", REGISTRATIONS_A_MINUTE),
            signer=signer,
        )
    finally:
        passwords.close()
