"""The demo's sample: a short clip made here by ffmpeg, so that nothing has to be fetched or shipped."""

import subprocess
import tempfile
from pathlib import Path

import imageio_ffmpeg

DURATION_S = 20
TITLE = "A first look: colours, a clock and a tone"

_PICTURE = f"testsrc2=size=1280x720:rate=30:duration={DURATION_S}"
_SOUND = f"sine=frequency=220:beep_factor=4:sample_rate=48000:duration={DURATION_S}"


class SampleError(Exception):
    """ffmpeg did not make the clip; the message says why and what to do."""


def make(path: Path) -> Path:
    """Write the clip (MP4, H.264 and AAC, 720p30, a key frame every 2 s) unless it is there."""
    if path.exists():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        draft = Path(folder) / path.name
        done = subprocess.run(_command(draft), capture_output=True, text=True, check=False)  # noqa: S603 -- our own arguments
        if done.returncode != 0:
            raise SampleError(f"ffmpeg could not make the sample: {done.stderr.strip()}. Run `make setup`.")
        draft.replace(path)
    return path


def _command(target: Path) -> tuple[str, ...]:
    return (
        imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error",
        "-f", "lavfi", "-i", _PICTURE, "-f", "lavfi", "-i", _SOUND,
        "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p",
        "-g", "60", "-keyint_min", "60", "-sc_threshold", "0",
        "-c:a", "aac", "-b:a", "128k", "-ac", "2", "-movflags", "+faststart", str(target),
    )  # fmt: skip
