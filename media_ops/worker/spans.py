"""The span of each attempt at a job, as a part of the trace of whoever put the job.

A child, not a link: OpenTelemetry's messaging conventions allow a single message's creation context as the
parent of its processing, and so one trace shows an upload from its request to its last rung. What does not
belong here: counters (``metrics``).
"""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from mcsp.contracts.topics import MEDIA_JOBS
from mcsp.telemetry.traces import incoming
from media_ops.ledger.leases import Lease

tracer = trace.get_tracer("mcsp.worker")


@contextmanager
def job_span(lease: Lease) -> Iterator[Span]:
    """The current span while the block runs; ``ended`` says how it went."""
    attributes: dict[str, str | int] = {
        "messaging.operation.type": "process",
        "messaging.destination.name": MEDIA_JOBS.name,
        "mcsp.job.id": str(lease.job_id),
        "mcsp.job.kind": lease.kind,
        "mcsp.job.attempt": lease.attempts + 1,
        "mcsp.media.id": str(lease.media_id),
    }
    with tracer.start_as_current_span(
        f"worker {lease.kind}", context=incoming(lease.trace), kind=SpanKind.CONSUMER, attributes=attributes
    ) as span:
        yield span


def ended(span: Span, outcome: str, error: BaseException | None = None) -> None:
    """Note how the attempt ended, and the error that ended it where there was one."""
    span.set_attribute("mcsp.job.outcome", outcome)
    if error is not None:
        span.record_exception(error)
        span.set_status(Status(StatusCode.ERROR, type(error).__name__))
