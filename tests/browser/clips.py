"""Clips made by ffmpeg when a test needs them."""

import subprocess
from pathlib import Path

import imageio_ffmpeg

PICTURE = "testsrc2=size={size}:rate=24:duration={seconds}"
SOUND = "sine=frequency=330:duration={seconds}"


def streamable(path: Path, *, seconds: int = 12, size: str = "1280x720") -> Path:
    """H.264 and AAC with a keyframe every two seconds: packaged as it is."""
    video = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "48", "-pix_fmt", "yuv420p", "-c:a", "aac"]
    return _make(path, seconds, size, [*video, "-movflags", "+faststart"])


def to_be_transcoded(path: Path, *, seconds: int = 60, size: str = "1280x720") -> Path:
    """MPEG-4 part 2 and MP3, which no browser plays: every rung has to be encoded, which takes a while."""
    return _make(path, seconds, size, ["-c:v", "mpeg4", "-q:v", "4", "-g", "48", "-c:a", "libmp3lame"])


def sound(path: Path, *, seconds: int = 20) -> Path:
    """A stereo MP3 without a cover."""
    noise = ["-f", "lavfi", "-i", f"anoisesrc=color=brown:sample_rate=48000:duration={seconds}"]
    return _run([*noise, "-ac", "2", "-c:a", "libmp3lame", path])


def heavy(path: Path, *, megabytes: int) -> Path:
    """A streamable clip of about this size in MB (10⁶ bytes), nearly all of it noise in the sound track."""
    seconds = megabytes * 8_000_000 // 1_536_000
    sound = ["-f", "lavfi", "-i", f"anoisesrc=sample_rate=48000:duration={seconds}"]
    picture = ["-f", "lavfi", "-i", f"color=size=320x180:rate=24:duration={seconds}"]
    codecs = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "48", "-c:a", "pcm_s16le", "-ac", "2"]
    return _run([*picture, *sound, *codecs, "-f", "mov", path])


def _make(path: Path, seconds: int, size: str, codecs: list[str]) -> Path:
    picture = ["-f", "lavfi", "-i", PICTURE.format(size=size, seconds=seconds)]
    sound = ["-f", "lavfi", "-i", SOUND.format(seconds=seconds)]
    return _run([*picture, *sound, *codecs, path])


def _run(arguments: list[str | Path]) -> Path:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *map(str, arguments)]
    subprocess.run(command, check=True)
    return Path(arguments[-1])
