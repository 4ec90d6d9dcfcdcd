"""The object store's errors as ours, with one bound on the time of an operation.

What does not belong here: the operations themselves (``mcsp.s3``).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from botocore.exceptions import BotoCoreError, ClientError

from mcsp.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError

TOTAL_S = 60
"""Bound of one operation with all its retries: whatever a client library waits for, nobody waits longer."""

MISSING = {"404", "NoSuchKey", "NoSuchBucket", "NoSuchUpload", "NotFound"}
_CALLER = {"InvalidPart", "InvalidPartOrder", "EntityTooSmall", "BadDigest", "InvalidArgument"}
_CALLER |= {"MalformedXML", "InvalidRange"}


@asynccontextmanager
async def named(action: str) -> AsyncIterator[None]:
    """Turn the client's errors into ours: missing, refused input, or not available now."""
    try:
        async with asyncio.timeout(TOTAL_S):
            yield
    except ClientError as error:
        raise _translated(error, action) from error
    except (BotoCoreError, OSError, TimeoutError) as error:
        raise UnavailableError(
            "store_down", f"The object store does not answer ({action}): {error}",
            action="Try again in a moment.",
        ) from error  # fmt: skip


def _translated(error: ClientError, action: str) -> Exception:
    code, status = code_of(error)
    message = f"{action}: {error.response.get('Error', {}).get('Message') or code}"
    if code in MISSING:
        return NotFoundError("no_such_object", message)
    if code in _CALLER:
        return InvalidInputError("store_refused", message, s3_code=code)
    if status >= 500 or code in {"SlowDown", "RequestTimeout", "InternalError"}:
        return UnavailableError("store_down", message, action="Try again in a moment.")
    return ConflictError("store_refused", message, s3_code=code)


def code_of(error: ClientError) -> tuple[str, int]:
    code = str(error.response.get("Error", {}).get("Code", ""))
    return code, int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
