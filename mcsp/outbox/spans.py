"""Spans of messages on their way to Kafka, each in the trace that its message carries.

The message keeps the headers it was put with: its creation context, which no one on the way replaces
(OpenTelemetry's messaging conventions). What does not belong here: publishing (``relay``).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from mcsp.telemetry.traces import incoming

tracer = trace.get_tracer("mcsp.outbox")


@contextmanager
def sending(messages: Sequence[tuple[str, Mapping[str, str]]]) -> Iterator[None]:
    """While the block runs, a span for each (topic, headers) whose headers carry a trace.

    The current span, which is the batch's, links to them. Where it is not recorded there are none.
    """
    batch = trace.get_current_span()
    spans = [_begin(batch, *message) for message in messages if message[1]] if batch.is_recording() else []
    try:
        yield
    except BaseException as error:
        for span in spans:
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
        raise
    finally:
        for span in spans:
            span.end()


def _begin(batch: Span, topic: str, headers: Mapping[str, str]) -> Span:
    span = tracer.start_span(
        f"send {topic}",
        context=incoming(headers),
        kind=SpanKind.PRODUCER,
        attributes={
            "messaging.system": "kafka",
            "messaging.operation.type": "send",
            "messaging.destination.name": topic,
        },
    )
    batch.add_link(span.get_span_context())
    return span
