"""ffprobe's JSON turned into typed streams. What does not belong here: refusing files (``inspect``)."""

from collections.abc import Iterable
from fractions import Fraction
from itertools import islice, pairwise
from typing import Any

import msgspec

from media_ops.description import (
    AudioStream,
    Chapter,
    FieldOrder,
    Hdr,
    Picture,
    Rate,
    VideoStream,
)
from media_ops.languages import language_tag

_CHROMA = {"420": "4:2:0", "422": "4:2:2", "444": "4:4:4", "440": "4:4:0", "411": "4:1:1", "410": "4:1:0"}
_FIELD_ORDERS: dict[str, FieldOrder] = {
    "progressive": "progressive",
    "tt": "top",
    "tb": "top",
    "bb": "bottom",
    "bt": "bottom",
}
VARIES = 0.01
"""Average and nominal frame rate further apart than this share mean that frames lie unevenly."""

MAX_CHAPTERS = 1000
"""More than anybody jumps to in twelve hours; a stranger's file may hold a million."""
MAX_TITLE = 200
"""Characters of a chapter's or a track's title that are kept."""


class RawStream(msgspec.Struct, frozen=True):
    """One entry of ffprobe's ``streams``: numbers come as text there, absent ones are absent."""

    index: int
    codec_type: str = "data"
    codec_name: str = "unknown"
    profile: str | int = ""
    id: str = ""
    width: int = 0
    height: int = 0
    level: int = 0
    pix_fmt: str = ""
    field_order: str = "unknown"
    sample_aspect_ratio: str = "1:1"
    r_frame_rate: str = "0/0"
    avg_frame_rate: str = "0/0"
    start_time: str | None = None
    duration: str | None = None
    nb_frames: str | None = None
    bit_rate: str | None = None
    bits_per_raw_sample: str | None = None
    color_range: str = "unknown"
    color_primaries: str = "unknown"
    color_transfer: str = "unknown"
    color_space: str = "unknown"
    channels: int = 0
    channel_layout: str = ""
    sample_rate: str = "0"
    disposition: dict[str, int] = {}
    tags: dict[str, str] = {}
    side_data_list: list[dict[str, Any]] = []


class RawFormat(msgspec.Struct, frozen=True):
    """ffprobe's ``format``."""

    format_name: str = ""
    start_time: str | None = None
    duration: str | None = None
    bit_rate: str | None = None


class RawChapter(msgspec.Struct, frozen=True):
    """One entry of ffprobe's ``chapters``."""

    start_time: str = "0"
    end_time: str = "0"
    tags: dict[str, str] = {}


class RawPacket(msgspec.Struct, frozen=True):
    """One of the first packets, asked for where the container has no index."""

    stream_index: int
    pts_time: str | None = None


class RawProbe(msgspec.Struct, frozen=True):
    """ffprobe's whole answer, as far as it is used."""

    streams: list[RawStream] = []
    format: RawFormat = RawFormat()
    chapters: list[RawChapter] = []
    packets: list[RawPacket] = []


def ratio(text: str) -> Fraction | None:
    """``30000/1001`` or ``4:3`` as a fraction; None for 0/0, 0:1 and nonsense."""
    num, _, den = text.replace(":", "/").partition("/")
    try:
        value = Fraction(int(num), int(den or 1))
    except (ValueError, ZeroDivisionError):
        return None
    return value if value > 0 else None


def seconds(text: str | None) -> float | None:
    """Seconds out of ffprobe's text; None where it says nothing or nonsense."""
    try:
        return float(text) if text else None
    except ValueError:
        return None


def whole(text: str | None) -> int | None:
    """A positive whole number out of ffprobe's text; None where it says nothing or nonsense."""
    return int(text) if text and text.isdecimal() and int(text) > 0 else None


def _language(stream: RawStream) -> str | None:
    return language_tag(stream.tags.get("language"))


def pixel_facts(pixel_format: str) -> tuple[int, str, bool]:
    """Bit depth, chroma and alpha of a pixel format by its name in ffmpeg."""
    name = pixel_format
    for depth in (9, 10, 12, 14, 16):
        if name.endswith((f"{depth}le", f"{depth}be")):
            return depth, _chroma(name), _alpha(name)
    if name.startswith(("p010", "p210", "p410", "x2rgb10", "x2bgr10")):
        return 10, _chroma(name), False
    return 8, _chroma(name), _alpha(name)


def _alpha(name: str) -> bool:
    return name.startswith(("yuva", "gbrap", "rgba", "bgra", "argb", "abgr", "ya", "pal8"))


def _chroma(name: str) -> str:
    if name.startswith(("gray", "mono", "ya")) and not name.startswith("yuva"):
        return "4:0:0"
    if name.startswith(("nv12", "nv21", "p010")):
        return "4:2:0"
    for digits, chroma in _CHROMA.items():
        if digits in name:
            return chroma
    return "rgb"


def _turn(stream: RawStream) -> tuple[int, bool]:
    """Clockwise degrees and mirroring out of the display matrix (ISO/IEC 14496-12 8.3.2)."""
    for side in stream.side_data_list:
        if side.get("side_data_type") == "Display Matrix":
            matrix = [int(value) for value in str(side.get("displaymatrix", "")).split() if _is_number(value)]
            mirrored = len(matrix) >= 5 and matrix[0] * matrix[4] - matrix[1] * matrix[3] < 0
            return round(-float(side.get("rotation", 0)) / 90) * 90 % 360, mirrored
    return 0, False


def _is_number(text: str) -> bool:
    return text.lstrip("-").isdecimal()


def _hdr(stream: RawStream) -> Hdr:
    if any(side.get("side_data_type") == "DOVI configuration record" for side in stream.side_data_list):
        return "dolby-vision"
    by_transfer: dict[str, Hdr] = {"smpte2084": "hdr10", "arib-std-b67": "hlg"}
    return by_transfer.get(stream.color_transfer, "sdr")


UNEVEN_SHARE = 0.1
ROUNDING_S = 0.0015
"""Matroska counts in milliseconds."""


def evenly_spaced(packets: list[RawPacket], stream: int) -> bool | None:
    """Whether the first frames of a stream lie evenly in time; None where too few are known."""
    stamps = (seconds(packet.pts_time) for packet in packets if packet.stream_index == stream)
    times = sorted(stamp for stamp in stamps if stamp is not None)
    steps = sorted(after - before for before, after in pairwise(times))
    if len(steps) < 8:
        return None
    usual = steps[len(steps) // 2]
    odd = sum(abs(step - usual) > ROUNDING_S + usual * 0.02 for step in steps)
    return odd <= len(steps) * UNEVEN_SHARE


def video_stream(stream: RawStream, *, even: bool | None) -> VideoStream:
    """A moving picture; ``even`` is what the index says of its timing, None where there is none."""
    nominal = ratio(stream.r_frame_rate)
    average = ratio(stream.avg_frame_rate) or nominal or Fraction(25)
    nominal = nominal or average
    rotation, mirrored = _turn(stream)
    depth, chroma, alpha = pixel_facts(stream.pix_fmt)
    varies = abs(average - nominal) > VARIES * nominal if even is None else not even
    return VideoStream(
        index=stream.index,
        codec=stream.codec_name,
        profile=str(stream.profile),
        level=stream.level,
        width=stream.width,
        height=stream.height,
        rotation=rotation,
        mirrored=mirrored,
        sample_aspect=Rate.of(ratio(stream.sample_aspect_ratio) or Fraction(1)),
        frame_rate=Rate.of(average),
        variable_rate=varies,
        nominal_rate=Rate.of(nominal),
        pixel_format=stream.pix_fmt,
        bit_depth=depth,
        chroma=chroma,
        alpha=alpha,
        color_range=stream.color_range,
        color_primaries=stream.color_primaries,
        color_transfer=stream.color_transfer,
        color_matrix=stream.color_space,
        hdr=_hdr(stream),
        field_order=_FIELD_ORDERS.get(stream.field_order, "unknown"),
        start_s=seconds(stream.start_time) or 0.0,
        duration_s=seconds(stream.duration),
        frames=whole(stream.nb_frames),
        bitrate=whole(stream.bit_rate),
        language=_language(stream),
    )


def audio_stream(stream: RawStream) -> AudioStream:
    """A sound track."""
    return AudioStream(
        index=stream.index,
        codec=stream.codec_name,
        profile=str(stream.profile),
        channels=stream.channels,
        layout=stream.channel_layout or f"{stream.channels} channels",
        sample_rate=whole(stream.sample_rate) or 0,
        start_s=seconds(stream.start_time) or 0.0,
        duration_s=seconds(stream.duration),
        bitrate=whole(stream.bit_rate),
        language=_language(stream),
        title=_title(stream.tags.get("title")),
        default=bool(stream.disposition.get("default")),
    )


def picture(stream: RawStream) -> Picture:
    """An attached picture."""
    return Picture(stream.index, stream.codec_name, stream.width, stream.height)


def chapters(marks: Iterable[RawChapter]) -> tuple[Chapter, ...]:
    """The first ``MAX_CHAPTERS`` chapter marks, titles of ``MAX_TITLE`` characters at most."""
    return tuple(_chapter(mark) for mark in islice(marks, MAX_CHAPTERS))


def _chapter(raw: RawChapter) -> Chapter:
    return Chapter(
        seconds(raw.start_time) or 0.0, seconds(raw.end_time) or 0.0, _title(raw.tags.get("title")) or ""
    )


def _title(text: str | None) -> str | None:
    return text[:MAX_TITLE] if text else None
