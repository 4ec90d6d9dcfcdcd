"""What `produce` gives: init segments, media segments, loudness. Shapes only, no work."""

import msgspec


class Init(msgspec.Struct, frozen=True, kw_only=True):
    """The initialisation segment of a rung (ISO/IEC 14496-12 ``ftyp`` and ``moov``), before its segments."""

    rung: str
    data: bytes
    timescale: int
    """Ticks per second of all ``start_ticks`` and ``duration_ticks`` of this rung."""
    codecs: str
    """RFC 6381, such as ``avc1.64001f`` or ``mp4a.40.2``, read from the sample entry."""


class Segment(msgspec.Struct, frozen=True, kw_only=True):
    """One CMAF media segment: whole ``moof``/``mdat`` pairs. Numbers start at 0 and follow the grid."""

    rung: str
    number: int
    start_ticks: int
    """Presentation time of the first sample; equals ``tfdt`` of the first fragment."""
    duration_ticks: int
    timescale: int
    data: bytes


class Loudness(msgspec.Struct, frozen=True):
    """EBU R128 / ITU-R BS.1770 of the whole main audio; silence gives -70 LUFS and None for the peak."""

    integrated_lufs: float
    range_lu: float
    true_peak_dbtp: float | None


Output = Init | Segment | Loudness
