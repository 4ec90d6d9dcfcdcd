"""Promises of the demo's sample: shown again while it plays, published anew when it does not."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deploy import published
from deploy.handle import free_port_base
from deploy.published import Sample

ITEMS = {"plays": "playable", "done": "ready", "broken": "failed", "gone": "deleted"}


class _Items(BaseHTTPRequestHandler):
    """Answers as ``GET /v1/media/{id}`` does."""

    def do_GET(self) -> None:
        status = ITEMS.get(self.path.removeprefix("/v1/media/"))
        self.send_response(200 if status else 404)
        self.end_headers()
        self.wfile.write(f'{{"status": "{status}", "title": "A clip"}}'.encode())


@pytest.fixture
def api() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Items)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("media_id", "again"), [("plays", True), ("done", True), ("broken", False), ("gone", False), ("?", False)]
)
def test_a_sample_is_shown_again_while_it_plays(api: str, tmp_path: Path, media_id: str, again: bool) -> None:
    published.remember(tmp_path, Sample(media_id))
    assert published.living(tmp_path, api) == (Sample(media_id) if again else None)


def test_without_a_remembered_sample_or_an_api_a_new_one_is_wanted(api: str, tmp_path: Path) -> None:
    assert published.living(tmp_path, api) is None
    published.remember(tmp_path, Sample("plays"))
    assert published.living(tmp_path, f"http://127.0.0.1:{free_port_base()}") is None
