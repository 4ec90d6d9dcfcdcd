"""Traces by OpenTelemetry: W3C context in and out, spans by OTLP/HTTP only where an address is set.

Without an address spans are not recorded, but trace ids exist and travel through HTTP, outbox and Kafka,
so that log lines of one request belong together everywhere.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import context, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.propagate import extract, inject
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Sampler

from mcsp.settings import Settings


def configure_traces(service: str, settings: Settings) -> None:
    """Install this process's tracer provider; a second call in one process changes nothing.

    With ``otlp_endpoint`` (such as ``http://collector:4318``) every span is sent to ``/v1/traces`` there in
    the background; a collector that does not answer costs spans, never requests.
    """
    if isinstance(trace.get_tracer_provider(), TracerProvider):
        return
    sampler: Sampler = ALWAYS_ON if settings.otlp_endpoint else ALWAYS_OFF
    resource = Resource.create({"service.name": service, "deployment.environment.name": settings.environment})
    provider = TracerProvider(resource=resource, sampler=sampler)
    if settings.otlp_endpoint:
        exporter = OTLPSpanExporter(f"{settings.otlp_endpoint.rstrip('/')}/v1/traces", timeout=5)
        provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=500))
    trace.set_tracer_provider(provider)


def flush() -> None:
    """Send what is still buffered; called when a process ends."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.shutdown()


def outgoing() -> dict[str, str]:
    """The headers (``traceparent``) that carry the current trace to another process."""
    headers: dict[str, str] = {}
    inject(headers)
    return headers


def incoming(headers: Mapping[str, str]) -> Context:
    """The trace context that ``outgoing`` headers carry; an empty one when there is none."""
    return extract(headers)


@contextmanager
def continued(headers: Mapping[str, str]) -> Iterator[None]:
    """Run the block as a part of the trace that ``headers`` carry."""
    token = context.attach(incoming(headers))
    try:
        yield
    finally:
        context.detach(token)
