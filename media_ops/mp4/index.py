"""The index of an MP4 or MOV: where its keyframes are, without reading media (ISO/IEC 14496-12, 8.6).

Computes presentation times from ``stts``, ``ctts``, ``stss`` and ``elst``. A stranger wrote them, so this
runs in a confined process (``confined``); it imports the standard library alone, to begin soon. What does
not belong here: the tables themselves (``tables``).
"""

import struct
from typing import NamedTuple

from media_ops.keyframes import longest_gap, merge_keyframes
from media_ops.mp4 import tables
from media_ops.mp4.boxes import Box, MalformedBoxError, children, find

MAX_TRACKS = 64
PRIMING_S = 0.1
"""An edit that skips at most this much at the start only removes encoder delay."""
END_TOLERANCE_S = 0.5


class TooManyTracksError(ValueError):
    """More tracks than any item needs."""


class TrackIndex(NamedTuple):
    """One track: id, handler (``vide``, ``soun`` …), its timing in seconds."""

    track_id: int
    handler: str
    timescale: int
    samples: int
    duration_s: float
    claimed_s: float
    """What the media header says; ``duration_s`` is the sum over all samples."""
    width: int
    height: int
    """Largest claim of track header and sample entry, 0 for sound."""
    keyframes: int
    """Number of sync samples; video only, like the two that follow."""
    longest_gap_s: float
    grid_s: tuple[float, ...]
    """Presentation times of sync samples after the first of them, thinned to one segment each."""
    even: bool
    """True where samples last equally long."""
    simple_edits: bool


class FileIndex(NamedTuple):
    """What the index says; ``fragmented`` files keep their samples in ``moof`` boxes and list none here."""

    tracks: tuple[TrackIndex, ...]
    fragmented: bool
    claimed_s: float


def parse_index(moov: bytes) -> FileIndex:
    """The index from a whole ``moov`` box. MalformedBoxError where it lies; TooManyTracksError."""
    try:
        box = next(children(moov))
        tracks = tuple(_track(moov, trak) for trak in _traks(moov, box))
        claims = [_claimed(moov, "moov/mvhd"), *(max(track.claimed_s, track.duration_s) for track in tracks)]
        return FileIndex(tracks, find(moov, "mvex", box.body, box.end) is not None, max(claims))
    except (struct.error, StopIteration, IndexError) as error:
        raise MalformedBoxError(str(error)) from error


def _traks(moov: bytes, box: Box) -> list[Box]:
    found: list[Box] = []
    for child in children(moov, box.body, box.end):
        if child.kind == "trak":
            found.append(child)
        if len(found) > MAX_TRACKS:
            raise TooManyTracksError(f"more than {MAX_TRACKS} tracks")
    return found


def _claimed(moov: bytes, path: str, start: int = 0, end: int | None = None) -> float:
    """Seconds stated by ``mvhd`` or ``mdhd`` (8.2.2, 8.4.2); all ones mean that nobody knows."""
    box = find(moov, path, start, end)
    if box is None:
        raise MalformedBoxError(f"no {path}")
    long = moov[box.body] == 1
    scale, duration = struct.unpack_from(">IQ" if long else ">II", moov, box.body + (20 if long else 12))
    return 0.0 if duration == (1 << (64 if long else 32)) - 1 else duration / (scale or 1)


def _size(moov: bytes, tkhd: int, stsd: int) -> tuple[int, int]:
    """Width and height in pixels: track header (16.16 fixed point) and visual sample entry (12.1.3)."""
    shown = struct.unpack_from(">II", moov, tkhd + (88 if moov[tkhd] == 1 else 76))
    coded = struct.unpack_from(">HH", moov, stsd + 8 + 32)
    return max(shown[0] >> 16, coded[0]), max(shown[1] >> 16, coded[1])


def _track(moov: bytes, trak: Box) -> TrackIndex:
    def at(path: str) -> int:
        box = find(moov, path, trak.body, trak.end)
        if box is None:
            raise MalformedBoxError(f"no {path} in trak")
        return box.body

    tkhd, mdhd = at("tkhd"), at("mdia/mdhd")
    track_id = struct.unpack_from(">I", moov, tkhd + (20 if moov[tkhd] == 1 else 12))[0]
    timescale = struct.unpack_from(">I", moov, mdhd + (20 if moov[mdhd] == 1 else 12))[0] or 1
    handler = bytes(moov[at("mdia/hdlr") + 8 : at("mdia/hdlr") + 12]).decode("latin-1")
    stbl = find(moov, "mdia/minf/stbl", trak.body, trak.end)
    if stbl is None:
        raise MalformedBoxError("no stbl in trak")
    durations = tables.pairs(moov, find(moov, "stts", stbl.body, stbl.end))
    samples = sum(count for count, _ in tables.runs(durations))
    ticks = sum(count * delta for count, delta in tables.runs(durations))
    video = handler == "vide" and samples > 0
    keyframes, sync = tables.sync_ticks(moov, stbl, durations, samples) if video else (0, [0])
    first = sync[0] if sync else 0
    times = sorted((tick - first) / timescale for tick in sync) if video else []
    width, height = _size(moov, tkhd, at("mdia/minf/stbl/stsd")) if handler == "vide" else (0, 0)
    return TrackIndex(
        track_id=track_id,
        handler=handler,
        timescale=timescale,
        samples=samples,
        duration_s=ticks / timescale,
        claimed_s=_claimed(moov, "mdia/mdhd", trak.body, trak.end),
        width=width,
        height=height,
        keyframes=keyframes,
        longest_gap_s=longest_gap(times, ticks / timescale) if times else 0.0,
        grid_s=merge_keyframes(times),
        even=tables.even(durations, samples),
        simple_edits=_simple_edits(moov, trak, timescale, ticks, first),
    )


def _simple_edits(moov: bytes, trak: Box, timescale: int, ticks: int, first: int) -> bool:
    elst = find(moov, "edts/elst", trak.body, trak.end)
    if elst is None:
        return True
    mvhd = find(moov, "moov/mvhd")
    if mvhd is None:
        raise MalformedBoxError("no mvhd in moov")
    movie = struct.unpack_from(">I", moov, mvhd.body + (20 if moov[mvhd.body] == 1 else 12))[0]
    form = ">Qqi" if moov[elst.body] == 1 else ">Iii"
    count = struct.unpack_from(">I", moov, elst.body + 4)[0]
    places = range(
        elst.body + 8, elst.body + 8 + min(count, 9) * struct.calcsize(form), struct.calcsize(form)
    )
    edits = [struct.unpack_from(form, moov, place) for place in places]
    real = [(length, media) for length, media, rate in edits if media >= 0 and rate == 1 << 16]
    if len(edits) != count or len(real) != 1 or any(media >= 0 for _, media, _ in edits[:-1]):
        return False
    length, media = real[0]
    shown = length / (movie or 1) if length else ticks / timescale
    cut_off = (ticks - media) / timescale - shown
    return media - first <= PRIMING_S * timescale and cut_off <= END_TOLERANCE_S
