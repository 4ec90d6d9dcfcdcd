"""A trace collector that speaks OTLP/HTTP, for tests that ask whether spans really leave a process."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span


class Collector:
    """Listens on a port of its own; ``spans`` are (service name, span) as they arrive."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, Span]] = []
        self.arrived = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "Collector":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def names_of(self, service: str, *, within_s: float = 20) -> set[str]:
        """The names of a service's spans, as soon as there is one; empty when none came in time."""
        with self.arrived:
            self.arrived.wait_for(lambda: any(span[0] == service for span in self.spans), within_s)
            return {span.name for owner, span in self.spans if owner == service}

    def of_trace(self, trace_id: str, *names: str, within_s: float = 120) -> list[tuple[str, Span]]:
        """The (service, span) of a trace (32 hex digits), as soon as spans of all these names are there."""

        def found() -> list[tuple[str, Span]]:
            return [(owner, span) for owner, span in self.spans if span.trace_id.hex() == trace_id]

        with self.arrived:
            self.arrived.wait_for(lambda: {span.name for _, span in found()} >= set(names), within_s)
            return found()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                request = ExportTraceServiceRequest()
                request.ParseFromString(self.rfile.read(int(self.headers["content-length"])))
                collector.take(request)
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: the test's own output stays readable."""

        return Handler

    def take(self, request: ExportTraceServiceRequest) -> None:
        """Keep the spans of one request."""
        with self.arrived:
            for resource in request.resource_spans:
                owner = {a.key: a.value.string_value for a in resource.resource.attributes}["service.name"]
                for scope in resource.scope_spans:
                    self.spans += [(owner, span) for span in scope.spans]
            self.arrived.notify_all()
