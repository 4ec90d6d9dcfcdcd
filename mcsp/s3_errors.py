"""The object store's errors as ours, with one bound on the time of an operation.

Their messages are shown to strangers: they name no address and no key. What the store said goes into
``details["log"]``, which is never told, and into our log. What does not belong here: the operations
themselves (``mcsp.s3``).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
from botocore.exceptions import BotoCoreError, ClientError

from mcsp.errors import InvalidInputError, MCSPError, NotFoundError, UnavailableError

log = structlog.get_logger()

TOTAL_S = 60
"""Bound of one operation with all its retries: whatever a client library waits for, nobody waits longer."""

MISSING = {"404", "NoSuchKey", "NoSuchUpload", "NotFound"}
"""``NoSuchBucket`` is not among them: our buckets are there, and a store that starts says so for a moment."""
_CALLER = {"InvalidPart", "InvalidPartOrder", "EntityTooSmall", "BadDigest", "InvalidRange"}
"""What the person who uploads can mend; a request that is wrong otherwise is our own fault."""


@asynccontextmanager
async def named(action: str) -> AsyncIterator[None]:
    """Turn the client's errors into ours: missing, refused input, or not available now.

    Whatever the store answers beside the first two may pass (409 and 429 while others write, 403 while
    clocks differ, codes that S3 adds): UnavailableError, so that work is tried again.
    """
    try:
        async with asyncio.timeout(TOTAL_S):
            yield
    except ClientError as error:
        raise _translated(error, action) from error
    except (BotoCoreError, OSError, TimeoutError) as error:
        raise unavailable(action, error) from error


def _translated(error: ClientError, action: str) -> MCSPError:
    code, _ = code_of(error)
    if code in MISSING:
        return NotFoundError(
            "no_such_object",
            "The object store has no such object.",
            action="Upload the file again.",
            log=f"{action}: {code}",
        )
    if code in _CALLER:
        return InvalidInputError(
            "store_refused", "The object store refused what was uploaded.", s3_code=code,
            action="Upload the file again.", log=f"{action}: {error}",
        )  # fmt: skip
    return unavailable(action, error)


def unavailable(action: str, reason: object) -> UnavailableError:
    """The store does not do it now; ``reason`` is for our log alone."""
    told = f"{action}: {reason!r}"
    log.warning("object store", error=told)
    return UnavailableError(
        "store_down", "The object store is not available right now.", action="Try again in a moment.",
        log=told,
    )  # fmt: skip


def code_of(error: ClientError) -> tuple[str, int]:
    """S3's code and the HTTP status of an answer."""
    code = str(error.response.get("Error", {}).get("Code", ""))
    return code, int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
