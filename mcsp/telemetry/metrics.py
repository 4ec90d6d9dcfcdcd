"""RED metrics (rate, errors, duration) of requests and of work, in Prometheus' form.

Labels have few values: a service, a route template, an operation; never an id. What does not belong here:
gauges of a domain, which stand beside the code that knows the number.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

from opentelemetry import trace
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, Counter, Histogram, generate_latest

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

REQUESTS = Counter(
    "mcsp_http_requests_total", "HTTP requests by route", ["service", "method", "route", "status"]
)
REQUEST_SECONDS = Histogram(
    "mcsp_http_request_seconds", "Seconds to answer, by route", ["service", "method", "route"],
    buckets=_SECONDS,
)  # fmt: skip
WORK = Counter("mcsp_work_total", "Units of work by outcome", ["service", "operation", "outcome"])
WORK_SECONDS = Histogram(
    "mcsp_work_seconds", "Seconds a unit of work took", ["service", "operation"],
    buckets=(*_SECONDS, 30, 60, 300, 1800, 7200),
)  # fmt: skip

tracer = trace.get_tracer("mcsp")


@lru_cache(maxsize=4096)
def _request_counter(service: str, method: str, route: str, status: int) -> Counter:
    return REQUESTS.labels(service, method, route, str(status))


@lru_cache(maxsize=1024)
def _request_clock(service: str, method: str, route: str) -> Histogram:
    return REQUEST_SECONDS.labels(service, method, route)


def count_request(service: str, method: str, route: str, status: int, seconds: float) -> None:
    """Count one answered request; ``route`` is the template (``/v1/media/{id}``), never the path."""
    _request_counter(service, method, route, status).inc()
    _request_clock(service, method, route).observe(seconds)


@contextmanager
def observed(service: str, operation: str) -> Iterator[None]:
    """Count, time and trace one unit of work; an exception counts as ``error`` and goes on."""
    with counted(service, operation), tracer.start_as_current_span(f"{service} {operation}"):
        yield


@contextmanager
def counted(service: str, operation: str) -> Iterator[None]:
    """Count and time one unit of work that has a span of its own, as ``observed`` does."""
    started, outcome = time.perf_counter(), "error"
    try:
        yield
        outcome = "ok"
    finally:
        WORK.labels(service, operation, outcome).inc()
        WORK_SECONDS.labels(service, operation).observe(time.perf_counter() - started)


def render() -> tuple[bytes, str]:
    """All metrics of this process as Prometheus reads them, and their content type."""
    return generate_latest(REGISTRY), CONTENT_TYPE_LATEST
