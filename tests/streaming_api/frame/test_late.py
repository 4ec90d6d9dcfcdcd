"""What the databases cannot do in time is 503 with when to come back, never a fault of ours."""

import asyncpg
import pytest
from litestar import get
from litestar.testing import create_test_client

from streaming_api.frame.problems import HANDLERS


@pytest.mark.parametrize(
    "error",
    [TimeoutError, ConnectionRefusedError, asyncpg.LockNotAvailableError, asyncpg.CannotConnectNowError,
     asyncpg.ConnectionDoesNotExistError, asyncpg.TooManyConnectionsError],
)  # fmt: skip
def test_it_is_said_that_repeating_helps(error: type[Exception]) -> None:
    @get("/late", sync_to_thread=False)
    def late() -> None:
        raise error("no")

    with create_test_client(late, exception_handlers=HANDLERS) as client:
        answer = client.get("/late")
    assert (answer.status_code, answer.json()["code"], answer.json()["retryable"]) == (503, "busy", True)
    assert answer.headers["retry-after"] == "1"
