"""One attempt: a leased job run beside its heartbeat, and what its end means for the ledger.

Cancelling an attempt cancels the work and its child processes. What does not belong here: what a job
does (``work``), and which job is next (``slots``).
"""

import asyncio
import contextlib
import time
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog
from opentelemetry.trace import Span

from mcsp.errors import MCSPError
from mcsp.telemetry.metrics import counted
from media_ops import priority
from media_ops.ledger import endings, leases
from media_ops.ledger.endings import JobError
from media_ops.ledger.leases import Lease, LeaseLostError, Purpose
from media_ops.worker.context import DATABASE_AWAY, WorkerContext, patiently
from media_ops.worker.spans import ended, job_span

log = structlog.get_logger()

BACKGROUND_NICE, ENCODE_NICE = 10, 19


@dataclass
class Attempt:
    """A job at work. ``progress`` (0 … 1) is what the heartbeat tells."""

    context: WorkerContext
    lease: Lease
    progress: float = 0.0
    opened: bool = False
    """The item plays since it began."""
    group: int | None = None
    """Process group of the media program that runs for it."""
    aside: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it has to make way: its lease goes back, and others may go on with it."""
    began: float = field(default_factory=time.monotonic)
    _lowering: asyncio.Task[None] | None = field(default=None, init=False)

    @property
    def purpose(self) -> Purpose:
        return "growing" if self.opened and self.lease.purpose == "opening" else self.lease.purpose

    @property
    def nice(self) -> int:
        """Of its media program: fresh uploads before what plays, and both before the encode slot."""
        if self.lease.slot == "encode":
            return ENCODE_NICE
        return 0 if self.purpose == "opening" else BACKGROUND_NICE

    def step_back(self) -> bool:
        """The item plays: leave processor time to fresh uploads. False where that was known."""
        if self.purpose != "opening":
            return False
        self.opened = True
        if self.group is not None and self.lease.slot == "quick":
            self._lowering = asyncio.create_task(priority.lower(self.group, BACKGROUND_NICE))
        return True


Work = Callable[[Attempt], Awaitable[None]]


async def run_attempt(attempt: Attempt, work: Work) -> str:
    """Run ``work`` while the lease holds; gives how it ended: done, lost, aside, or the ledger's new state.

    ``work`` completes the job itself. Cancellation (a graceful stop) gives the lease back at once.
    """
    with job_span(attempt.lease) as span:
        return await _run(attempt, work, span)


async def _run(attempt: Attempt, work: Work, span: Span) -> str:
    lease = attempt.lease
    bound = log.bind(job=str(lease.job_id), kind=lease.kind, media=str(lease.media_id))
    bound.info("job begins", attempt=lease.attempts + 1, rungs=len(lease.rungs))
    try:
        with counted("worker", lease.kind):
            done = await _while_leased(attempt, work)
    except LeaseLostError:
        bound.warning("lease lost, work dropped")
        ended(span, "lost")
        return "lost"
    except asyncio.CancelledError:
        ended(span, "given back")
        await _give_back(attempt)
        raise
    except Exception as error:  # whatever went wrong is an attempt of this job and written down as such
        outcome = await _failed(attempt, error)
        ended(span, outcome, error)
        return outcome
    outcome = "done" if done else "aside"
    if not done:
        await _give_back(attempt)
    bound.info("job done" if done else "job makes way")
    ended(span, outcome)
    return outcome


async def _while_leased(attempt: Attempt, work: Work) -> bool:
    """The work and its heartbeat side by side: the end of one is the end of both. False: it made way."""
    doing = asyncio.ensure_future(work(attempt))
    beating = asyncio.create_task(_beat(attempt))
    asked = asyncio.create_task(attempt.aside.wait())
    try:
        await asyncio.wait({doing, beating, asked}, return_when=asyncio.FIRST_COMPLETED)
        if beating.done() and not doing.done():
            await beating
    finally:
        for one in (doing, beating, asked):
            one.cancel()
        await asyncio.gather(doing, beating, asked, return_exceptions=True)
    if doing.cancelled():
        return False
    try:
        await doing
    except ExceptionGroup as group:
        raise _cause(group) from group
    return True


def _cause(group: ExceptionGroup) -> Exception:
    """The one error that counts of those that tasks raised together: a lost lease before all others."""
    lost = group.subgroup(LeaseLostError)
    first = (lost or group).exceptions[0]
    return _cause(first) if isinstance(first, ExceptionGroup) else first


async def _beat(attempt: Attempt) -> None:
    """Keep the lease; raises LeaseLostError once it is another's, or has certainly run out unheard."""
    good_until = time.monotonic() + leases.LEASE_S
    pause = leases.HEARTBEAT_S
    while True:
        await asyncio.sleep(pause)
        try:
            async with asyncio.timeout(leases.HEARTBEAT_S):
                await leases.keep(attempt.context.heartbeats, attempt.lease, attempt.progress)
        except DATABASE_AWAY as error:
            if time.monotonic() > good_until:
                raise leases.lost(attempt.lease) from error
            pause = 0.5
        else:
            good_until = time.monotonic() + leases.LEASE_S
            pause = leases.HEARTBEAT_S


async def _give_back(attempt: Attempt) -> None:
    """A stop is no attempt: due again at once. With the database away the lease runs out instead."""
    with contextlib.suppress(*DATABASE_AWAY):
        async with asyncio.timeout(2):
            await leases.give_back(attempt.context.heartbeats, attempt.lease)


async def _failed(attempt: Attempt, error: Exception) -> str:
    failure = job_error(error)
    log.warning(
        "attempt failed", job=str(attempt.lease.job_id), kind=attempt.lease.kind, code=failure.code,
        retryable=failure.retryable, detail=failure.detail[-1000:],
    )  # fmt: skip
    try:
        return await patiently(lambda: endings.fail(attempt.context.pool, attempt.lease, failure))
    except LeaseLostError:
        return "lost"


def job_error(error: Exception) -> JobError:
    """An exception as the ledger keeps it; one of ours keeps its card, any other is tried again."""
    if isinstance(error, MCSPError):
        detail = str(error.details.get("log") or error.details or "")
        return JobError.of(error, f"{error}\n{detail}"[-4000:])
    trace = "".join(traceback.format_exception(error))
    return JobError(
        "internal_error", "Something went wrong on our side.", "Try again; tell us if it happens again.",
        True, trace[-4000:],
    )  # fmt: skip
