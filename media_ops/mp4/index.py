"""The index of an MP4 or MOV: where its keyframes are, without reading media (ISO/IEC 14496-12, 8.6).

Reads ``moov`` over HTTP ranges and computes presentation times from ``stts``, ``ctts``, ``stss`` and
``elst``. What does not belong here: merging keyframes into segments (``grid``).
"""

import struct
import sys
from array import array
from collections import Counter
from collections.abc import Iterator

import msgspec

from media_ops.failures import bad_media
from media_ops.mp4.boxes import Box, MalformedBoxError, children, find, find_all, header
from media_ops.ranges import RangeReader

MAX_INDEX_BYTES = 256 << 20
MAX_TOP_BOXES = 10_000
MAX_SAMPLES = 100_000_000
MAX_SYNC_LISTED = 100_000
"""Where every frame may be cut, this many are enough to choose from."""
PRIMING_S = 0.1
"""An edit that skips at most this much at the start only removes encoder delay."""
END_TOLERANCE_S = 0.5


class TrackIndex(msgspec.Struct, frozen=True):
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
    sync_s: tuple[float, ...]
    """Presentation times of sync samples after the first of them; video only."""
    even: bool
    """True where samples last equally long."""
    simple_edits: bool


class FileIndex(msgspec.Struct, frozen=True):
    """What the index says; ``fragmented`` files keep their samples in ``moof`` boxes and list none here."""

    tracks: tuple[TrackIndex, ...]
    fragmented: bool
    claimed_s: float


async def read_index(reader: RangeReader) -> FileIndex:
    """The index of an MP4. BadMediaError ``index_missing``, ``source_truncated`` or ``source_damaged``."""
    moov: bytes | None = None
    offset = beyond = 0
    for _ in range(MAX_TOP_BOXES):
        if offset >= reader.size:
            break
        kind, size = await _top_box(reader, offset)
        if offset + size > reader.size:
            beyond = offset + size
        elif kind == "moov":
            if size > MAX_INDEX_BYTES:
                raise bad_media("source_damaged", index_bytes=size)
            moov = await reader.read(offset, size)
        elif kind == "moof":
            break
        offset += size
    if moov is None:
        raise bad_media("index_missing")
    if beyond:
        raise bad_media("source_truncated", claimed=beyond, size=reader.size)
    return parse_index(moov)


async def _top_box(reader: RangeReader, offset: int) -> tuple[str, int]:
    try:
        kind, head, size = header(await reader.read(offset, 16), 0)
    except MalformedBoxError:
        return "", reader.size - offset
    if size == 0:
        size = reader.size - offset
    if size < head:
        raise bad_media("source_damaged", at=offset)
    return kind, size


def parse_index(moov: bytes) -> FileIndex:
    """The index from a whole ``moov`` box. BadMediaError ``source_damaged`` where it contradicts itself."""
    try:
        box = next(children(moov))
        tracks = tuple(_track(moov, trak) for trak in find_all(moov, "trak", box.body, box.end))
        claims = [_claimed(moov, "moov/mvhd"), *(max(track.claimed_s, track.duration_s) for track in tracks)]
        return FileIndex(tracks, find(moov, "mvex", box.body, box.end) is not None, max(claims))
    except (MalformedBoxError, struct.error, StopIteration, IndexError) as error:
        raise bad_media("source_damaged", reason=str(error)) from error


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
    durations = _pairs(moov, find(moov, "stts", stbl.body, stbl.end))
    samples = sum(durations[0::2])
    if samples > MAX_SAMPLES:
        raise MalformedBoxError(f"a track claims {samples} samples")
    ticks = sum(count * delta for count, delta in _runs(durations))
    sync = _sync_ticks(moov, stbl, durations) if handler == "vide" and samples else [0]
    first = sync[0] if sync else 0
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
        sync_s=tuple(sorted((tick - first) / timescale for tick in sync)),
        even=_even(durations, samples),
        simple_edits=_simple_edits(moov, trak, timescale, ticks, first),
    )


def _u32(moov: bytes, start: int, count: int) -> "array[int]":
    if start + 4 * count > len(moov):
        raise MalformedBoxError("a table is longer than its box")
    values = array("I")
    values.frombytes(moov[start : start + 4 * count])
    if sys.byteorder == "little":
        values.byteswap()
    return values


def _pairs(moov: bytes, box: Box | None) -> "array[int]":
    if box is None:
        return array("I")
    count = struct.unpack_from(">I", moov, box.body + 4)[0]
    if 8 + 8 * count > box.end - box.body:
        raise MalformedBoxError("a table is longer than its box")
    return _u32(moov, box.body + 8, 2 * count)


def _runs(pairs: "array[int]") -> Iterator[tuple[int, int]]:
    return zip(pairs[0::2], pairs[1::2], strict=True)


def _even(durations: "array[int]", samples: int) -> bool:
    """Whether nearly all samples last equally long; a tick or 2 % is rounding, not a varying rate."""
    by_length: Counter[int] = Counter()
    for count, delta in _runs(durations):
        by_length[delta] += count
    if not by_length:
        return True
    usual = by_length.most_common(1)[0][0]
    odd = sum(count for delta, count in by_length.items() if abs(delta - usual) > max(1, usual * 0.02))
    return odd <= max(2, samples // 100)


def _sync_ticks(moov: bytes, stbl: Box, durations: "array[int]") -> list[int]:
    """Presentation times, in ticks, of the sync samples; every sample where there is no ``stss``."""
    stss = find(moov, "stss", stbl.body, stbl.end)
    if stss is None:
        samples = sum(durations[0::2])
        wanted = list(range(1, samples + 1, samples // MAX_SYNC_LISTED + 1))
    else:
        count = struct.unpack_from(">I", moov, stss.body + 4)[0]
        if 8 + 4 * count > stss.end - stss.body:
            raise MalformedBoxError("stss is longer than its box")
        wanted = sorted(_u32(moov, stss.body + 8, count))
    decode = _at_samples(durations, wanted, cumulative=True)
    offsets = _at_samples(_pairs(moov, find(moov, "ctts", stbl.body, stbl.end)), wanted, cumulative=False)
    return [when + _signed(shift) for when, shift in zip(decode, offsets, strict=True)]


def _signed(value: int) -> int:
    """Version 1 of ``ctts`` holds signed offsets, and version 0 is written with them too."""
    return value - (1 << 32) if value >= 1 << 31 else value


def _at_samples(pairs: "array[int]", wanted: list[int], *, cumulative: bool) -> list[int]:
    """Values of a run-length table at 1-based sample numbers: the sum before each, or its own value."""
    found: list[int] = []
    runs = _runs(pairs)
    first, count, value, total = 1, 0, 0, 0
    for number in wanted:
        while number >= first + count:
            first, total = first + count, total + count * value
            following = next(runs, None)
            if following is None:
                count, value = 1 << 62, 0
            else:
                count, value = following
        found.append(total + (number - first) * value if cumulative else value)
    return found


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
