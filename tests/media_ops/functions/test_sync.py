"""Sound and picture stay together, whatever clock the container keeps."""

from pathlib import Path

import pytest

from tests.media_ops.functions.clips import AAC, H264, Clips, flash_and_beep
from tests.media_ops.functions.readback import beep_at, flash_at, make_all
from tests.media_ops.functions.server import Store

FRAME_S = 0.04
AAC_FRAME_S = 1024 / 48000
SOURCES: dict[str, tuple[str, list[str]]] = {
    "mp4 packaged as it is": ("sync.mp4", [*H264, "-g", "25", "-bf", "2", *AAC]),
    "mkv": ("sync.mkv", [*H264, "-g", "25", "-bf", "2", *AAC]),
    "transport stream that starts at 1.4 s": ("sync.ts", [*H264, "-g", "25", "-bf", "2", *AAC]),
    "transport stream that starts at 100 s": (
        "late.ts",
        [*H264, "-bf", "2", *AAC, "-output_ts_offset", "100"],
    ),
    "program stream": ("sync.mpg", ["-c:v", "mpeg2video", "-bf", "2", "-c:a", "mp2"]),
    "mp4 that starts at 3 s": ("offset.mp4", [*H264, "-g", "25", "-bf", "2", *AAC, "-output_ts_offset", "3"]),
    "webm": ("sync.webm", ["-c:v", "libvpx", "-cpu-used", "8", "-deadline", "realtime", "-c:a", "libopus"]),
    "ogg": (
        "sync.ogv",
        [*["-c:v", "libvpx", "-cpu-used", "8", "-deadline", "realtime", "-f", "ogg", "-c:a", "libopus"]],
    ),
    "fragmented mp4": ("frag.mp4", [*H264, "-g", "25", "-bf", "2", *AAC, "-movflags", "+frag_keyframe"]),
}


@pytest.mark.parametrize("kind", SOURCES)
async def test_flash_and_beep_come_together(clips: Clips, store: Store, scratch: Path, kind: str) -> None:
    name, arguments = SOURCES[kind]
    path = clips.make(name, [*flash_and_beep(at=5), *arguments])
    source, made = await make_all(store, path)
    flashes = {r: flash_at(made.join(r, scratch)) for r in made.inits if r.endswith("p")}
    beeps = {r: beep_at(made.join(r, scratch)) for r in made.inits if r.startswith("audio")}
    assert flashes
    assert beeps
    for rung, at in flashes.items():
        assert abs(at - 5) <= FRAME_S, (rung, flashes, beeps, source)
    for rung, at in beeps.items():
        assert abs(at - 5) <= AAC_FRAME_S, (rung, flashes, beeps, source)
