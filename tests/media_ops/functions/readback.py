"""What came out, read back by ffprobe and ffmpeg: the only judges of whether it plays."""

import json
import re
import struct
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from media_ops import tools
from media_ops.description import SourceDescription
from media_ops.inspect import inspect
from media_ops.ladder import plan
from media_ops.mp4.boxes import children, find
from media_ops.mp4.fragments import timescale_of
from media_ops.output import Init, Loudness, Segment
from media_ops.produce import produce
from media_ops.recipes import Grid, Rung
from tests.media_ops.functions.clips import run
from tests.media_ops.functions.server import Store


@dataclass
class Made:
    """All outputs of a run, by rung."""

    inits: dict[str, Init] = field(default_factory=dict)
    segments: dict[str, list[Segment]] = field(default_factory=dict)
    loudness: Loudness | None = None

    def join(self, rung: str, folder: Path) -> Path:
        """Init and segments of a rung as one file."""
        path = folder / f"{rung}.mp4"
        path.write_bytes(self.inits[rung].data + b"".join(part.data for part in self.segments[rung]))
        return path


async def make(
    store: Store, path: Path, source: SourceDescription, grid: Grid, rungs: tuple[Rung, ...], **options: Any
) -> Made:
    """Runs ``produce`` to its end."""
    made = Made()
    outputs = produce(store.address(path), source, grid, rungs, scratch=path.parent, **options)
    async for item in outputs:
        match item:
            case Init():
                made.inits[item.rung] = item
                made.segments[item.rung] = []
            case Segment():
                made.segments[item.rung].append(item)
            case Loudness():
                made.loudness = item
    return made


def size_of(path: Path) -> int:
    """Bytes of a file."""
    return path.stat().st_size


async def make_all(store: Store, path: Path) -> tuple[SourceDescription, Made]:
    """Inspects, plans and makes everything of a source."""
    source = await inspect(store.address(path), filename=path.name, size=size_of(path), scratch=path.parent)
    planned = plan(source)
    whole = Made()
    for group in planned.groups:
        made = await make(
            store, path, source, planned.grid, group.rungs, loudness=group is planned.groups[-1]
        )
        whole.inits |= made.inits
        whole.segments |= made.segments
        whole.loudness = made.loudness or whole.loudness
    return source, whole


def probe(path: Path, *shown: str) -> dict[str, Any]:
    """ffprobe's JSON."""
    argv = [tools.ffprobe(), "-v", "error", *shown, "-of", "json", str(path)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def packets(path: Path) -> list[dict[str, Any]]:
    """Packets of the only stream, times in seconds, in decoding order.

    ffmpeg's demuxer moves all times by the largest negative composition offset, which is taken back.
    """
    found = probe(path, "-show_packets", "-show_entries", "packet=pts_time,dts_time,duration_time,flags")[
        "packets"
    ]
    moved = moved_by_ffmpeg(path)
    return [
        {**packet, "pts": float(packet["pts_time"]) - moved, "dts": float(packet["dts_time"])}
        for packet in found
    ]


def moved_by_ffmpeg(path: Path) -> float:
    """The largest negative composition offset of any sample, in seconds (ISO/IEC 14496-12 8.8.8)."""
    data, lowest = path.read_bytes(), 0
    for fragment in (box for box in children(data) if box.kind == "moof"):
        run = find(data, "traf/trun", fragment.body, fragment.end)
        assert run is not None
        flags, count = struct.unpack_from(">II", data, run.body)
        if flags & 0x800:
            fields = [flag for flag in (0x100, 0x200, 0x400, 0x800) if flags & flag]
            table = run.body + 8 + 4 * bool(flags & 1) + 4 * bool(flags & 4)
            values = struct.unpack_from(f">{count * len(fields)}i", data, table)
            lowest = min(lowest, *values[len(fields) - 1 :: len(fields)])
    return -lowest / timescale_of(data)


def flash_at(path: Path) -> float:
    """When the picture turns white, in seconds."""
    log = run(
        ["-copyts", "-i", str(path), "-vf", "negate,blackdetect=d=0.1:pix_th=0.2", "-an", "-f", "null", "-"]
    )
    moved = moved_by_ffmpeg(path)
    return float(re.findall(r"black_start:([\d.]+)", log)[0]) - moved


def beep_at(path: Path) -> float:
    """When the sound becomes loud, in seconds."""
    log = run(["-copyts", "-i", str(path), "-af", "silencedetect=n=-30dB:d=0.2", "-vn", "-f", "null", "-"])
    return float(re.findall(r"silence_end: ([\d.]+)", log)[0])
