"""The index of a stranger's file is read by a confined process, and costs our own next to nothing."""

import asyncio
import struct
import tracemalloc
from array import array
from pathlib import Path

import psutil
import pytest

from mcsp.errors import BadMediaError
from media_ops.failures import CARDS
from media_ops.inspect import inspect
from media_ops.mp4.index import TrackIndex, parse_index
from media_ops.mp4.reading import MAX_INDEX_BYTES
from media_ops.ranges import BLOCK, KEPT, RangeReader, open_session
from tests.media_ops.functions.clips import H264, Clips, picture, tone
from tests.media_ops.functions.readback import size_of
from tests.media_ops.functions.server import Store

MIB = 1 << 20


def box(kind: str, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind.encode()) + body


def movie(*traks: bytes) -> bytes:
    mvhd = box("mvhd", struct.pack(">IIIII", 0, 0, 0, 1000, 60_000), bytes(80))
    return box("ftyp", b"isom\0\0\2\0isom") + box("moov", mvhd, *traks)


def track(*tables: bytes, handler: bytes = b"vide") -> bytes:
    """A track of 320x180 that says it lasts a minute; ``tables`` stand in its ``stbl``."""
    tkhd = box("tkhd", struct.pack(">IIII", 7, 0, 0, 1), bytes(60), struct.pack(">II", 320 << 16, 180 << 16))
    mdhd = box("mdhd", struct.pack(">IIIII", 0, 0, 0, 1000, 60_000), bytes(4))
    hdlr = box("hdlr", bytes(8), handler, bytes(13))
    entry = box("avc1", bytes(24), struct.pack(">HH", 320, 180), bytes(50))
    stbl = box("stbl", box("stsd", struct.pack(">II", 0, 1), entry), *tables)
    return box("trak", tkhd, box("mdia", mdhd, hdlr, box("minf", stbl)))


def table(kind: str, values: "array[int]", width: int) -> bytes:
    """A table box whose entries are ``width`` numbers each."""
    return box(kind, struct.pack(">II", 0, len(values) // width), values.tobytes())


def numbers(count: int, start: int = 1) -> "array[int]":
    values = array("I", range(start, start + count))
    values.byteswap()
    return values


def runs(count: int) -> "array[int]":
    """``count`` runs of one sample each, every one of another length."""
    values = array("I", [1]) * (2 * count)
    values[1::2] = array("I", range(1, count + 1))
    values.byteswap()
    return values


def many_lengths(count: int) -> bytes:
    return movie(track(table("stts", runs(count), 2), table("stss", numbers(count), 1)))


def many_boxes(count: int) -> bytes:
    """Each step along a path in the track passes all of them."""
    empty = box("free") * count
    return movie(*[track(table("stts", runs(2), 2)) for _ in range(60)], empty).replace(b"mvhd", b"mvhX", 1)


async def test_a_large_lying_index_costs_our_process_nothing(
    clips: Clips, store: Store, scratch: Path
) -> None:
    """Our loop runs while another process reads it, and our memory holds none of it."""
    path = await asyncio.to_thread(clips.write, "lying-index.mp4", many_lengths(3_000_000))
    await asyncio.to_thread(clips.write, "lying-index.mp4", path.read_bytes() + box("mdat", bytes(64)))
    seen: set[int] = set()
    tracemalloc.start()
    looking = asyncio.create_task(
        inspect(store.address(path), filename=path.name, size=size_of(path), scratch=scratch)
    )
    while not looking.done():
        seen |= {child.pid for child in psutil.Process().children() if "python" in _name(child)}
        await asyncio.wait({looking}, timeout=0.01)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(looking.exception(), BadMediaError)
    assert len(seen) == 1, "one process read it while our loop went on"
    assert peak < 16 * MIB, f"{peak / MIB:.0f} MiB"


def _name(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.NoSuchProcess:
        return ""


async def test_an_index_beyond_the_limits_of_its_process_is_refused_for_good(
    clips: Clips, store: Store, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from media_ops import sandbox

    tight = sandbox.Limits(cpu_s=20, wall_s=60, memory_bytes=64 * MIB, file_bytes=0)
    monkeypatch.setattr("media_ops.mp4.reading.LIMITS", tight)
    path = await asyncio.to_thread(clips.write, "greedy.mp4", many_lengths(3_000_000))
    assert (await refused(store, path, scratch)).code == "source_damaged"


async def test_an_index_that_takes_too_long_to_walk_is_refused_for_good(
    clips: Clips, store: Store, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from media_ops import sandbox

    monkeypatch.setattr("media_ops.mp4.reading.LIMITS", sandbox.Limits(cpu_s=1, wall_s=60, file_bytes=0))
    path = await asyncio.to_thread(clips.write, "endless.mp4", many_boxes(4_000_000))
    error = await refused(store, path, scratch)
    assert error.code == "source_damaged"


async def test_an_index_too_large_is_not_even_fetched(clips: Clips, store: Store, scratch: Path) -> None:
    path = clips.write("too-large.mp4", b"")
    with path.open("wb") as file:
        file.write(box("ftyp", b"isom\0\0\2\0isom"))
        file.write(struct.pack(">I4s", MAX_INDEX_BYTES + 1, b"moov"))
        file.truncate(file.tell() + MAX_INDEX_BYTES - 7)
    assert (await refused(store, path, scratch)).code == "index_too_large"


async def refused(store: Store, path: Path, scratch: Path) -> BadMediaError:
    with pytest.raises(BadMediaError) as caught:
        await inspect(store.address(path), filename=path.name, size=size_of(path), scratch=scratch)
    assert (caught.value.message, caught.value.action) == CARDS[caught.value.code]
    return caught.value


async def test_more_tracks_than_an_item_needs_are_refused(clips: Clips, store: Store, scratch: Path) -> None:
    content = movie(*[track(table("stts", runs(2), 2))] * 65)
    assert (await refused(store, clips.write("tracks-65.mp4", content), scratch)).code == "too_many_streams"


async def test_a_reader_keeps_few_blocks_however_many_it_reads(clips: Clips, store: Store) -> None:
    path = clips.write("blocks.bin", bytes(40 * BLOCK))
    async with open_session() as session:
        reader = RangeReader(session, store.address(path), size_of(path))
        for number in range(40):
            assert await reader.read(number * BLOCK, 16) == bytes(16)
        assert len(reader._blocks) == KEPT
        before = store.requests
        await reader.read(39 * BLOCK + 100, 16)
        assert store.requests == before


def video(moov_of: bytes) -> TrackIndex:
    return parse_index(moov_of[moov_of.index(b"moov") - 4 :]).tracks[0]


def test_a_table_of_everything_is_thinned_and_counted_whole() -> None:
    even = struct.pack(">IIII", 0, 1, 1_000_000, 40)
    found = video(movie(track(box("stts", even), table("stss", numbers(1_000_000), 1))))
    assert (found.keyframes, found.samples, found.even) == (1_000_000, 1_000_000, True)
    assert found.longest_gap_s < 1
    assert found.grid_s[0] == 0
    assert all(3.9 < b - a < 6 for a, b in zip(found.grid_s, found.grid_s[1:], strict=False))


def test_samples_that_all_last_otherwise_are_not_even() -> None:
    assert not video(movie(track(table("stts", runs(50_000), 2)))).even


async def test_an_hour_of_uncompressed_sound_is_no_damage(clips: Clips, store: Store, scratch: Path) -> None:
    """Each tick of PCM is a sample: an hour has 172.8 million."""
    path = clips.make("pcm.mov", [*picture(seconds=1), *tone(1), *H264, "-c:a", "pcm_s16le"])
    content = bytearray(path.read_bytes())
    times = content.rindex(b"stts")
    assert struct.unpack_from(">III", content, times + 8)[0:2] == (1, 48_000)[0:2]
    struct.pack_into(">I", content, times + 12, 3600 * 48_000)
    source = await inspect(
        store.address(clips.write("pcm-hour.mov", bytes(content))), filename="a.mov", size=len(content),
        scratch=scratch,
    )  # fmt: skip
    assert source.audio[0].codec == "pcm_s16le"
