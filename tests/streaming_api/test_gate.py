"""The gate: each process shows logs, RED metrics, traces, health, readiness and (services) its schema."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest

from deploy.handle import StackHandle
from streaming_api.services import NAMES
from tests.streaming_api.collector import Collector
from tests.streaming_api.gate import lacking_in_logs, lacking_metrics, lacking_routes
from tests.streaming_api.processes import Running

PROCESSES: dict[str, tuple[str, ...]] = {
    "relay": ("relay",),
    "collector": ("collector",),
    "sweeper": ("sweeper",),
    "worker": ("worker", "--name", "worker"),
}


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as listening:
        yield listening


@pytest.mark.parametrize("name", NAMES)
def test_a_service_alone_in_its_process_shows_all(
    name: str, stack: StackHandle, collector: Collector, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with Running(stack, "api", ("serve", name), log, MCSP_OTLP_ENDPOINT=collector.address) as process:
        for _ in range(2):
            httpx.get(f"{process.url}/v1/nothing-here")
        lacks = lacking_routes(process.url, serves_people=True)
        lacks += lacking_metrics(process.url, name, serves_people=True)
        if "GET /healthz" not in (names := collector.names_of(name)):
            lacks.append(f"traces: {names}")
    lacks += lacking_in_logs(process.lines(), name, serves_people=True)
    assert lacks == []
    assert process.status == 0


@pytest.mark.parametrize("name", PROCESSES)
def test_a_process_that_serves_no_people_shows_all_but_a_schema(
    name: str, stack: StackHandle, collector: Collector, tmp_path: Path
) -> None:
    log, command = tmp_path / "log", PROCESSES[name]
    with Running(stack, name, command, log, MCSP_OTLP_ENDPOINT=collector.address) as process:
        lacks = lacking_routes(process.url, serves_people=False)
        lacks += lacking_metrics(process.url, name, serves_people=False)
        if not collector.names_of(name):
            lacks.append("traces: none")
    lacks += lacking_in_logs(process.lines(), name, serves_people=False)
    assert lacks == []
    assert process.status == 0


def test_all_services_in_one_process_are_told_apart(
    stack: StackHandle, collector: Collector, tmp_path: Path
) -> None:
    with Running(stack, "api", ("serve",), tmp_path / "log", MCSP_OTLP_ENDPOINT=collector.address) as process:
        httpx.get(f"{process.url}/v1/auth/jwks.json")
        httpx.get(f"{process.url}/v1/feed")
        assert lacking_routes(process.url, serves_people=True) == []
        assert lacking_metrics(process.url, "identity", serves_people=True) == []
        assert lacking_metrics(process.url, "content", serves_people=True) == []


def test_the_gate_finds_what_is_not_there() -> None:
    class Bare(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path in ("/metrics", "/readyz") else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the test's own output stays readable."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Bare)
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    try:
        assert lacking_routes(url, serves_people=True) == [
            "/healthz: 404", "/readyz: names no dependency", "/schema: 404"
        ]  # fmt: skip
        assert len(lacking_metrics(url, "bare", serves_people=True)) == 3
    finally:
        server.shutdown()
        server.server_close()
    plain = [{"event": "request", "level": "info", "service": "x", "at": ""}, {"message": "hello"}]
    assert len(lacking_in_logs(plain, "bare", serves_people=True)) == 6
