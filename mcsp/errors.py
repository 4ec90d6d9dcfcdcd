"""The error hierarchy: each error has a code, a message for the person who can act, and whether to repeat.

Over HTTP an error is ``application/problem+json`` (RFC 9457); in the ledger it is the failure of a job.
What does not belong here: rendering (``streaming_api``) or storing (``media_ops``) of errors.
"""

from typing import Any, ClassVar

import msgspec


class Failure(msgspec.Struct, frozen=True):
    """What an item's card shows: a stable code, what happened in plain words, what the person can do.

    ``retryable``: whether the same file may get through when it is tried again.
    """

    code: str
    message: str
    action: str
    retryable: bool = False


class MCSPError(Exception):
    """Base of all errors raised on purpose. Subclasses fix ``status`` and ``retryable``.

    ``message`` and ``action`` are shown to strangers; what only operators may see is ``details["log"]``.
    """

    status: ClassVar[int] = 500
    retryable: ClassVar[bool] = False
    title: ClassVar[str] = "Something went wrong"

    def __init__(self, code: str, message: str, *, action: str = "", **details: Any) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.action, self.details = code, message, action, details

    @property
    def told(self) -> dict[str, Any]:
        """The details that the caller may see: all but ``log``, which is for operators."""
        return {name: detail for name, detail in self.details.items() if name != "log"}

    @property
    def failure(self) -> Failure:
        return Failure(self.code, self.message, self.action, self.retryable)


class InvalidInputError(MCSPError):
    """The request or file cannot be taken as it is; repeating it unchanged gives the same answer."""

    status, title = 400, "The request cannot be taken as it is"


class UnauthorizedError(MCSPError):
    """No valid credentials."""

    status, title = 401, "Please log in"


class ForbiddenError(MCSPError):
    """Known, but not allowed."""

    status, title = 403, "Not allowed"


class NotFoundError(MCSPError):
    """Nothing there, or nothing the caller may see; the two are never told apart."""

    status, title = 404, "Not found"


class ConflictError(MCSPError):
    """The state of the thing does not allow this now."""

    status, title = 409, "Not possible in this state"


class TooLargeError(MCSPError):
    """Larger than the stated limit."""

    status, title = 413, "Too large"


class UnsupportedError(MCSPError):
    """The body has a form that is not understood here."""

    status, title = 415, "This form is not understood"


class RateLimitedError(MCSPError):
    """Too many requests; ``details["retry_after_s"]`` says when to come back."""

    status, retryable, title = 429, True, "Too many requests"


class UnavailableError(MCSPError):
    """A dependency does not answer now; repeating later helps."""

    status, retryable, title = 503, True, "Not available right now"


class BadMediaError(MCSPError):
    """The file itself cannot become a playable item: permanent, shown on the creator's card."""

    status, title = 422, "This file cannot be played"


class TransientWorkError(MCSPError):
    """Media work failed for a reason outside the file (store, network, limits of a machine): try again."""

    status, retryable, title = 503, True, "The work did not get through this time"
