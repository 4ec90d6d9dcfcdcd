"""Small sources made at run time by ffmpeg's own generators, each made once a session."""

import subprocess
from pathlib import Path

from media_ops import tools

H264 = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]
AAC = ["-c:a", "aac", "-b:a", "96k"]


def picture(size: str = "320x180", rate: str = "25", seconds: float = 9) -> list[str]:
    """A moving test picture as input."""
    return ["-f", "lavfi", "-t", str(seconds), "-i", f"testsrc2=size={size}:rate={rate}"]


def tone(seconds: float = 9, layout: str = "stereo", rate: int = 48000) -> list[str]:
    """A steady tone as input."""
    source = f"sine=440:r={rate},aformat=channel_layouts={layout}"
    return ["-f", "lavfi", "-t", str(seconds), "-i", source]


def flash_and_beep(at: float, seconds: float = 9, rate: str = "25") -> list[str]:
    """White and loud from ``at`` for half a second, else black and silent: proves that sound keeps time."""
    until = at + 0.5
    white = f"between(t,{at - 0.001},{until - 0.001})"
    shown = f"color=black:s=320x180:r={rate},drawbox=c=white:t=fill:enable='{white}'"
    heard = f"aevalsrc='if(between(t,{at},{until}),0.5*sin(2000*PI*t),0)':s=48000"
    return ["-f", "lavfi", "-t", str(seconds), "-i", shown, "-f", "lavfi", "-t", str(seconds), "-i", heard]


class Clips:
    """Makes files in a folder and remembers them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def make(self, name: str, arguments: list[str]) -> Path:
        """The file ``name``, made by ffmpeg with ``arguments`` unless it is there."""
        path = self.folder / name
        if not path.exists():
            run([*arguments, str(path)])
        return path

    def write(self, name: str, content: bytes) -> Path:
        """A file with this content."""
        path = self.folder / name
        path.write_bytes(content)
        return path

    def streamable(self, name: str = "streamable.mp4", seconds: float = 9, *more: str) -> Path:
        """H.264 and AAC, keyframes every second, index in front."""
        gop = ["-g", "25", "-bf", "2", "-movflags", "+faststart", *more]
        return self.make(name, [*picture(seconds=seconds), *tone(seconds), *H264, *gop, *AAC])

    def unpackageable(self) -> Path:
        """Looks streamable and plays; yet ffmpeg packages its sound neither as ADTS nor as plain AAC."""
        path = self.write("unpackageable.mp4", self.streamable().read_bytes())
        spoil_sound(path)
        return path


def spoil_sound(path: Path) -> None:
    """Give the second packet of sound the sync word of an ADTS header that is none (ISO/IEC 13818-7)."""
    shown = ["-select_streams", "a", "-show_entries", "packet=pos", "-of", "csv=p=0", str(path)]
    argv = [tools.ffprobe(), "-v", "error", *shown]
    listed = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()
    with path.open("r+b") as file:
        file.seek(int(listed[1].split(",")[0]))
        file.write(b"\xff\xf1\xff\xff")


def run(arguments: list[str]) -> str:
    """Runs ffmpeg to its end and gives its log."""
    argv = [tools.ffmpeg(), "-hide_banner", "-nostdin", "-y", *arguments]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stderr
