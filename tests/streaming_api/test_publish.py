"""Promises of ``mcsp publish``: what it says when it cannot, and that a clip plays in the end."""

import stat
from pathlib import Path

import httpx
import msgspec

from deploy import sample
from deploy.handle import StackHandle
from streaming_api.publish.report import Published
from tests.streaming_api.api import free_port


def test_without_an_api_it_says_what_to_do(stack: StackHandle, tmp_path: Path) -> None:
    file = tmp_path / "clip.mp4"
    file.write_bytes(b"x")
    done = stack.run("publish", str(file), MCSP_API_URL=f"http://127.0.0.1:{free_port()}")
    assert done.returncode == 1
    assert "does not answer" in done.stderr
    assert "mcsp up --wait" in done.stderr


def test_an_empty_file_is_refused_with_the_apis_own_words(stack: StackHandle, tmp_path: Path) -> None:
    file = tmp_path / "empty.mp4"
    file.touch()
    done = stack.run("publish", str(file))
    assert done.returncode == 1
    assert "empty" in done.stderr.lower()
    assert "Traceback" not in done.stderr


def test_a_clip_is_published_and_plays(stack: StackHandle, tmp_path: Path) -> None:
    clip = sample.make(tmp_path / "clip.mp4")
    done = stack.run("publish", str(clip), "--title", "A clip", "--json")
    assert done.returncode == 0, done.stderr
    published = msgspec.json.decode(done.stdout, type=Published)
    assert published.status == "ready"
    assert published.playback is not None
    for address in (published.playback.hls_url, published.playback.dash_url, published.watch_url):
        assert httpx.get(address).status_code == 200, address


def test_text_in_disguise_ends_with_its_card(stack: StackHandle, tmp_path: Path) -> None:
    file = tmp_path / "film.mp4"
    file.write_text("this is no film\n" * 100)
    done = stack.run("publish", str(file), "--json")
    assert done.returncode == 1
    published = msgspec.json.decode(done.stdout, type=Published)
    assert published.status in ("failed", "rejected")
    assert published.failure is not None
    assert published.failure.code
    assert published.failure.action


def test_the_publishers_password_is_readable_by_its_owner_alone(stack: StackHandle, tmp_path: Path) -> None:
    file = tmp_path / "empty.mp4"
    file.touch()
    stack.run("publish", str(file))
    kept = stack.home / "secrets" / "publisher.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
