"""One after the other, none stopping the rest: how the sweeper goes through rows."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import asyncpg

from mcsp.errors import MCSPError

Thing = TypeVar("Thing")


async def each(things: Sequence[Thing], work: Callable[[Thing], Awaitable[bool]]) -> int:
    """Work on every one of ``things``; gives for how many ``work`` said True.

    Raises ExceptionGroup once all are through, with the errors of store and database that some met.
    """
    done, failures = 0, []
    for thing in things:
        try:
            done += await work(thing)
        except (MCSPError, asyncpg.PostgresError, ExceptionGroup) as error:
            failures.append(error)
    if failures:
        raise ExceptionGroup(f"{len(failures)} of {len(things)} failed, first: {failures[0]}", failures)
    return done
