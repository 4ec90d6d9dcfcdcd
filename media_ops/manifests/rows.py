"""What manifests are rendered from: renditions of one version with the segments published so far."""

from collections.abc import Iterator
from typing import Literal

import msgspec

PEAK_HEADROOM = 1.3
"""Until its segments are known, a rendition's peak is stated as this many times its aimed-at rate: a
4 s segment may hold what a buffer of twice the rate has saved up."""


def _fits_a_line(text: str) -> bool:
    """Without quotes, line breaks and what XML 1.0 2.2 leaves out; ``isprintable`` knows them all."""
    return text.isprintable() and '"' not in text


class SegmentRow(msgspec.Struct, frozen=True):
    """One published segment; times in ticks of its rendition's timescale."""

    number: int
    start_ticks: int
    duration_ticks: int
    bytes: int


class RenditionRow(msgspec.Struct, frozen=True, kw_only=True):
    """One rendition of a manifest version, its segments in order of number.

    ValueError where a text holds what would end an attribute or a line of a manifest (RFC 8216 4.2).
    """

    digest: str
    name: str
    kind: Literal["video", "audio"]
    codecs: str
    """RFC 6381, from its init segment."""
    bitrate: int
    timescale: int
    segments: tuple[SegmentRow, ...]
    width: int | None = None
    height: int | None = None
    frame_rate: str | None = None
    """Rational, such as ``30000/1001``."""
    channels: int | None = None
    sample_rate: int | None = None
    language: str | None = None

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, str) and not _fits_a_line(value):
                raise ValueError(f"{name} {value!r} cannot stand in a manifest")

    @property
    def playlist(self) -> str:
        return f"{self.name}.m3u8"

    @property
    def init(self) -> str:
        return f"../{self.digest}/init.mp4"

    def media(self, number: int | str) -> str:
        return f"../{self.digest}/{number}.m4s"

    @property
    def end_s(self) -> float:
        """Where the last segment ends, in seconds; 0 without segments."""
        last = self.segments[-1] if self.segments else None
        return (last.start_ticks + last.duration_ticks) / self.timescale if last else 0.0

    def peak(self, *, finished: bool) -> int:
        """Bits per second of the heaviest segment; while more may come, at least the stated headroom."""
        stated = 0 if finished and self.segments else int(self.bitrate * PEAK_HEADROOM)
        return max([stated, *self._rates()])

    def average(self, *, finished: bool) -> int:
        """Bits per second over all segments; while more may come, the rate aimed at."""
        ticks = sum(segment.duration_ticks for segment in self.segments)
        if not finished or ticks == 0:
            return self.bitrate
        return int(sum(segment.bytes for segment in self.segments) * 8 * self.timescale / ticks)

    def _rates(self) -> Iterator[int]:
        for segment in self.segments:
            if segment.duration_ticks * 2 >= self.timescale:  # a crumb at the end says nothing of a rate
                yield int(segment.bytes * 8 * self.timescale / segment.duration_ticks)


def videos(renditions: tuple[RenditionRow, ...]) -> list[RenditionRow]:
    """Pictures from small to large."""
    rows = [row for row in renditions if row.kind == "video"]
    return sorted(rows, key=lambda row: ((row.width or 0) * (row.height or 0), row.bitrate))


def audios(renditions: tuple[RenditionRow, ...]) -> list[RenditionRow]:
    """Sounds: two channels and fewer first, each part from small to large."""
    rows = [row for row in renditions if row.kind == "audio"]
    return sorted(rows, key=lambda row: ((row.channels or 2) > 2, row.bitrate))
