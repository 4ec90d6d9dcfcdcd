"""The spine, end to end on the running stack: a file goes in at one end and plays at the other."""

import time
from pathlib import Path
from typing import Any

import ffmpeg
import httpx
import imageio_ffmpeg
import m3u8
import pytest

from deploy.handle import StackHandle
from tests.streaming_api.api import Person

pytestmark = pytest.mark.stack

SECONDS = 6


def _clip(path: Path, codec: str) -> Path:
    """Six seconds of a moving test picture with a tone; ``libx264`` streams as it is, ``mpeg4`` does not."""
    picture = ffmpeg.input(f"testsrc2=size=640x360:rate=30:duration={SECONDS}", f="lavfi")
    tone = ffmpeg.input(f"sine=frequency=440:sample_rate=48000:duration={SECONDS}", f="lavfi")
    made = ffmpeg.output(
        picture,
        tone,
        str(path),
        vcodec=codec,
        acodec="aac",
        ac=2,
        pix_fmt="yuv420p",
        g=60,
        movflags="+faststart",
    )
    made.run(cmd=imageio_ffmpeg.get_ffmpeg_exe(), quiet=True, overwrite_output=True)
    return path


def _until(person: Person, media_id: str, *statuses: str, within_s: float = 120) -> dict[str, Any]:
    deadline = time.monotonic() + within_s
    while True:
        item = person.http.get(f"/v1/media/{media_id}").raise_for_status().json()
        if item["status"] in statuses:
            return item
        assert item["status"] not in ("failed", "rejected"), item
        assert time.monotonic() < deadline, item
        time.sleep(0.1)


def _poster(playback_url: str, within_s: float = 120) -> str:
    """The poster's address once there is one: art is drawn beside the rungs, `ready` does not wait for it."""
    deadline = time.monotonic() + within_s
    while True:
        playback = httpx.get(playback_url).raise_for_status().json()
        if playback["poster_url"]:
            return playback["poster_url"]
        assert time.monotonic() < deadline, playback
        time.sleep(0.1)


def _decoded_seconds(url: str, folder: Path) -> float:
    """What a player would see: all of it decoded from the PoP, without an error. Gives its length."""
    frames = folder / "frames.txt"
    played = ffmpeg.output(ffmpeg.input(url), str(frames), f="framemd5", map="0:v:0", xerror=None)
    played.run(cmd=imageio_ffmpeg.get_ffmpeg_exe(), quiet=True, overwrite_output=True)
    lines = [line for line in frames.read_text().splitlines() if not line.startswith("#")]
    return len(lines) / 30


@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_a_strangers_file_becomes_an_item_that_plays(stack: StackHandle, tmp_path: Path, codec: str) -> None:
    content = _clip(tmp_path / "clip.mp4", codec).read_bytes()
    person = Person(stack.urls["api"])
    media_id = person.uploaded(content, title="Spine")

    item = _until(person, media_id, "playable", "ready")
    assert item["kind"] == "video"
    assert item["duration_s"] == pytest.approx(SECONDS, abs=0.2)
    playback = httpx.get(f"{stack.urls['api']}/v1/playback/{media_id}").raise_for_status().json()
    assert m3u8.load(playback["hls_url"]).playlists

    ready = _until(person, media_id, "ready")
    assert {rendition["state"] for rendition in ready["renditions"]} == {"published"}
    playback = httpx.get(f"{stack.urls['api']}/v1/playback/{media_id}").raise_for_status().json()
    assert playback["growing"] is False
    master = m3u8.load(playback["hls_url"])
    for variant in master.playlists:
        assert m3u8.load(variant.absolute_uri).is_endlist
    assert _decoded_seconds(playback["hls_url"], tmp_path) == pytest.approx(SECONDS, abs=0.2)
    assert httpx.get(playback["dash_url"]).headers["content-type"] == "application/dash+xml"
    poster = _poster(f"{stack.urls['api']}/v1/playback/{media_id}")
    assert httpx.get(poster).content.startswith(b"\xff\xd8")

    assert person.http.delete(f"/v1/media/{media_id}").status_code == 204
    assert httpx.get(f"{stack.urls['api']}/v1/playback/{media_id}").status_code == 404


def test_the_source_itself_is_never_served(stack: StackHandle, tmp_path: Path) -> None:
    person = Person(stack.urls["api"])
    media_id = person.uploaded(_clip(tmp_path / "clip.mp4", "libx264").read_bytes())
    _until(person, media_id, "playable", "ready")
    base = httpx.get(f"{stack.urls['api']}/v1/playback/{media_id}").json()["hls_url"].rsplit("/m", 1)[0]
    for path in ("/source", "/clip.mp4", "/../../mcsp-source/uploads", f"/uploads/{media_id}"):
        assert httpx.get(base + path).status_code in (403, 404)
