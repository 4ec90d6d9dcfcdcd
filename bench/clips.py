"""The clips that the benches publish, made once and kept under `.cache/bench`.

Long ones are short ones repeated without encoding again, so that an hour takes seconds to make.
"""

import subprocess
from pathlib import Path

import imageio_ffmpeg

from bench.machine import ROOT

FOLDER = ROOT / ".cache" / "bench"
LOOP_S = 10

PICTURE = "testsrc2=size={size}:rate=30,noise=alls=2:allf=t"
SOUND = "sine=frequency=440:sample_rate=48000"
STREAMABLE = [
    "-c:v",
    "libx264",
    "-preset",
    "veryfast",
    "-b:v",
    "1500k",
    "-g",
    "60",
    "-bf",
    "2",
    "-pix_fmt",
    "yuv420p",
]
STREAMABLE += ["-c:a", "aac", "-b:a", "128k"]
FOREIGN = ["-c:v", "mpeg4", "-b:v", "1800k", "-qmax", "31", "-g", "60", "-c:a", "libmp3lame", "-b:a", "128k"]


def streamable(seconds: int, size: str = "1280x720") -> Path:
    """H.264 and AAC in MP4 with its index in front: packaged as it is."""
    return _repeated(
        f"streamable-{size}-{seconds}.mp4", STREAMABLE, size, seconds, ["-movflags", "+faststart"]
    )


def foreign(seconds: int, size: str = "1920x1080") -> Path:
    """MPEG-4 Part 2 and MP3 in Matroska: everything has to be transcoded."""
    return _repeated(f"foreign-{size}-{seconds}.mkv", FOREIGN, size, seconds, [])


def ffmpeg(*arguments: str | Path) -> None:
    """Runs ffmpeg quietly; raises CalledProcessError when it fails."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", *map(str, arguments)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)  # noqa: S603 -- fixed program, our own arguments


def _repeated(name: str, codecs: list[str], size: str, seconds: int, options: list[str]) -> Path:
    target = FOLDER / name
    if not target.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        loop = FOLDER / f"loop-{name}"
        inputs = ["-f", "lavfi", "-i", PICTURE.format(size=size), "-f", "lavfi", "-i", SOUND]
        ffmpeg(*inputs, "-t", str(LOOP_S), *codecs, loop)
        part = FOLDER / f"part-{name}"
        ffmpeg("-stream_loop", "-1", "-i", loop, "-t", str(seconds), "-c", "copy", *options, part)
        loop.unlink()
        part.rename(target)
    return target
