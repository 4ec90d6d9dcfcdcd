"""What a source is: the typed description that `inspect` writes and every later step reads.

Frozen structs of facts about the file alone. What does not belong here: how the facts are found
(``inspect``), what is made of them (``ladder``), and judgements (``streamable``).
"""

from fractions import Fraction
from typing import Literal

import msgspec

Hdr = Literal["sdr", "hdr10", "hlg", "dolby-vision"]
FieldOrder = Literal["progressive", "top", "bottom", "unknown"]


class Rate(msgspec.Struct, frozen=True):
    """A rational number such as a frame rate (30000/1001 per second) or a sample aspect ratio."""

    num: int
    den: int = 1

    @property
    def fraction(self) -> Fraction:
        return Fraction(self.num, self.den)

    @classmethod
    def of(cls, value: Fraction) -> "Rate":
        return cls(value.numerator, value.denominator)

    def __float__(self) -> float:
        return self.num / self.den

    def __str__(self) -> str:
        return f"{self.num}/{self.den}" if self.den != 1 else str(self.num)


class VideoStream(msgspec.Struct, frozen=True, kw_only=True):
    """One moving-picture stream. ``width`` and ``height`` are coded pixels, before rotation and aspect."""

    index: int
    codec: str
    profile: str
    level: int
    width: int
    height: int
    rotation: int
    """Degrees clockwise by which a player turns the coded picture: 0, 90, 180 or 270."""
    mirrored: bool
    sample_aspect: Rate
    frame_rate: Rate
    """Average frames per second; ``variable_rate`` says whether frames lie unevenly in time."""
    variable_rate: bool
    nominal_rate: Rate
    """Lowest rate at which all timestamps can be stated (the container's claim)."""
    pixel_format: str
    bit_depth: int
    chroma: str
    """``4:2:0``, ``4:2:2``, ``4:4:4``, ``4:0:0`` or ``rgb``."""
    alpha: bool
    color_range: str
    color_primaries: str
    color_transfer: str
    color_matrix: str
    hdr: Hdr
    field_order: FieldOrder
    start_s: float
    duration_s: float | None
    frames: int | None
    """Number of frames where the container states it."""
    bitrate: int | None
    """Bits per second where the container states it."""
    language: str | None

    @property
    def interlaced(self) -> bool:
        return self.field_order in ("top", "bottom")

    @property
    def display(self) -> tuple[int, int]:
        """Width and height as seen: square pixels (the longer way kept, so never above source), turned."""
        aspect = self.sample_aspect.fraction
        width, height = self.width, self.height
        if aspect > 1:
            height = max(1, round(height / aspect))
        elif aspect < 1:
            width = max(1, round(width * aspect))
        return (height, width) if self.rotation in (90, 270) else (width, height)


class AudioStream(msgspec.Struct, frozen=True, kw_only=True):
    """One audio stream; ``sample_rate`` in Hz, times in seconds on the container's clock."""

    index: int
    codec: str
    profile: str
    channels: int
    layout: str
    sample_rate: int
    start_s: float
    duration_s: float | None
    bitrate: int | None
    language: str | None
    title: str | None
    default: bool


class Picture(msgspec.Struct, frozen=True):
    """An attached picture (cover art), not a moving picture."""

    index: int
    codec: str
    width: int
    height: int


class Chapter(msgspec.Struct, frozen=True):
    """A named stretch of the item, in seconds."""

    start_s: float
    end_s: float
    title: str


class Keyframes(msgspec.Struct, frozen=True):
    """Where the video may be cut, known from the index before a byte of media is read (MP4: ``stss``).

    ``grid_s``: keyframe times in seconds after the first frame, thinned to one segment each
    (about 4 s apart where the source allows it); the first is 0.
    """

    count: int
    longest_gap_s: float
    """Longest distance between neighbouring keyframes, the end of the stream included."""
    grid_s: tuple[float, ...]
    simple_edits: bool
    """True where edit lists only align the start, so that stored frames are what is shown."""


class SourceDescription(msgspec.Struct, frozen=True, kw_only=True):
    """Everything later steps need to know of a source. Declared values are claims, never limits of work."""

    container: str
    """Demuxer name of ffmpeg, such as ``mov,mp4,m4a,3gp,3g2,mj2``."""
    kind: Literal["video", "audio"]
    size: int
    start_s: float
    duration_s: float | None
    """None where the container does not say (a browser's recording); known once it has been read through."""
    bitrate: int | None
    video: tuple[VideoStream, ...]
    audio: tuple[AudioStream, ...]
    """The stream that plays by default stands first."""
    pictures: tuple[Picture, ...]
    subtitles: int
    chapters: tuple[Chapter, ...]
    """The first thousand, titles cut to 200 characters."""
    keyframes: Keyframes | None
    """None where the container has no index that is cheap to read."""
    refused: tuple[Literal["video", "audio"], ...] = ()
    """Main streams that look as if they could be packaged as they are, but could not when it was tried."""
    left_out: tuple[str, ...] = ()
    """Names of rungs that the plan leaves out: one job could not make them within its wall time."""

    @property
    def main_video(self) -> VideoStream | None:
        return self.video[0] if self.video else None

    @property
    def main_audio(self) -> AudioStream | None:
        return self.audio[0] if self.audio else None

    @property
    def zero_s(self) -> float:
        """The moment of the container's clock that is time 0 of what we publish."""
        stream = self.main_video or self.main_audio
        return stream.start_s if stream else self.start_s
