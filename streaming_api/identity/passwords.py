"""Passwords: argon2id in threads, bounded, so that a rush of logins neither blocks nor exhausts the process.

Parameters are OWASP's second choice (19 MiB, 2 passes, 1 lane): about 20 ms a core. A hash made with other
parameters is made anew at the next login.
"""

import asyncio
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

from mcsp.errors import UnavailableError

THREADS = 2
WAITING_MAX = 200

T = TypeVar("T")


def _hasher() -> PasswordHasher:
    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


@dataclass
class Passwords:
    """Hashes and checks; raises UnavailableError when too many wait already."""

    _hasher: PasswordHasher = field(default_factory=_hasher)
    _threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(THREADS, thread_name_prefix="argon2")
    )
    _waiting: int = 0
    _nobody: str = field(init=False)

    def __post_init__(self) -> None:
        self._nobody = self._hasher.hash("the password of nobody")

    async def hash(self, password: str) -> str:
        """The PHC string of a password."""
        return await self._run(self._hasher.hash, _normal(password))

    async def matches(self, stored: str | None, password: str) -> bool:
        """Whether the password is right. Without a stored hash it takes as long and is False."""
        right = await self._run(self._verify, stored or self._nobody, _normal(password))
        return right and stored is not None

    def outdated(self, stored: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    def close(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except VerifyMismatchError:
            return False
        except (VerificationError, InvalidHashError) as error:
            raise UnavailableError(
                "hash_unreadable", "The stored password cannot be checked.",
                action="Try again; if it stays, tell us the request id.",
            ) from error  # fmt: skip

    async def _run(self, function: Callable[..., T], *arguments: str) -> T:
        if self._waiting >= WAITING_MAX:
            raise UnavailableError("too_many_logins", "Too many logins at once.", action="Try again shortly.")
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._threads, function, *arguments)
        finally:
            self._waiting -= 1


def _normal(password: str) -> str:
    """NFKC (RFC 8265): the same characters from any keyboard are the same password."""
    return unicodedata.normalize("NFKC", password)
