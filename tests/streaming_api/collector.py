"""A trace collector that speaks OTLP/HTTP, for tests that ask whether spans really leave a process."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Collector:
    """Listens on a port of its own; ``spans`` are (service name, span name, attributes) as they arrive."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, str, dict[str, str]]] = []
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
            return {name for owner, name, _ in self.spans if owner == service}

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
                    for span in scope.spans:
                        attributes = {a.key: a.value.string_value for a in span.attributes}
                        self.spans.append((owner, span.name, attributes))
            self.arrived.notify_all()
