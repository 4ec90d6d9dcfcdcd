"""Segments: on the grid, the same in every attempt and rung, and what ffprobe reads back is what was said."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from media_ops.grid import AAC_FRAME, audio_frames
from media_ops.keyframes import LONGEST_S
from media_ops.mp4.boxes import find
from tests.media_ops.functions.clips import AAC, H264, Clips, picture, tone
from tests.media_ops.functions.readback import Made, make_all, packets, probe
from tests.media_ops.functions.server import Store

SOURCES: dict[str, Callable[[Clips], Path]] = {
    "packaged as it is": lambda clips: clips.streamable("as-it-is.mp4", 13),
    "29.97": lambda clips: clips.make(
        "ntsc.mp4", [*picture("640x360", "30000/1001", 13), *tone(13, rate=44100), *H264, "-g", "90", *AAC]
    ),
    "encoded": lambda clips: clips.make(
        "encoded.mkv", [*picture("640x360", "30", 13), *tone(13), *H264, "-g", "300", *AAC]
    ),
    "25 frames, no sound": lambda clips: clips.make("mute.mkv", [*picture("480x270", "25", 9), *H264]),
    "sound alone": lambda clips: clips.make("sound.flac", [*tone(13, rate=44100)]),
}


def start_s(made: Made, rung: str) -> list[float]:
    return [part.start_ticks / part.timescale for part in made.segments[rung]]


@pytest.mark.parametrize("kind", SOURCES)
async def test_rows_say_what_ffprobe_reads(clips: Clips, store: Store, scratch: Path, kind: str) -> None:
    _, made = await make_all(store, SOURCES[kind](clips))
    assert made.inits
    for rung, parts in made.segments.items():
        assert [part.number for part in parts] == list(range(len(parts)))
        read = packets(made.join(rung, scratch))
        times = sorted(packet["pts"] for packet in read)
        assert times == sorted(set(times)), "two frames at one time"
        assert all(before["dts"] < after["dts"] for before, after in pairwise(read))
        for part, following in pairwise(parts):
            assert part.start_ticks + part.duration_ticks == following.start_ticks
        tick = 1 / parts[0].timescale
        for part in parts:
            starts = part.start_ticks * tick
            ends = starts + part.duration_ticks * tick
            assert any(abs(time - starts) <= tick for time in times)
            assert tfdt(part.data) == part.start_ticks
            assert part.duration_ticks * tick <= LONGEST_S
            assert [time for time in times if starts - tick <= time < ends - tick]


def tfdt(segment: bytes) -> int:
    box = find(segment, "moof/traf/tfdt")
    assert box is not None
    return int.from_bytes(segment[box.body + 4 : box.body + 12], "big")


@pytest.mark.parametrize("kind", ["packaged as it is", "29.97", "encoded"])
async def test_pictures_of_all_rungs_are_cut_at_the_same_times(clips: Clips, store: Store, kind: str) -> None:
    _, made = await make_all(store, SOURCES[kind](clips))
    grids = [start_s(made, rung) for rung in made.inits if rung.endswith("p")]
    assert len(grids) > 1
    for grid in grids[1:]:
        assert grid == pytest.approx(grids[0], abs=0.0005)


async def test_every_segment_begins_with_a_keyframe(clips: Clips, store: Store, scratch: Path) -> None:
    _, made = await make_all(store, SOURCES["29.97"](clips))
    for rung in (name for name in made.inits if name.endswith("p")):
        keys = [packet["pts"] for packet in packets(made.join(rung, scratch)) if "K" in packet["flags"]]
        for starts in start_s(made, rung):
            assert any(abs(key - starts) < 0.001 for key in keys)


async def test_encoded_pictures_have_keyframes_only_on_the_grid(
    clips: Clips, store: Store, scratch: Path
) -> None:
    _, made = await make_all(store, SOURCES["encoded"](clips))
    for rung in (name for name in made.inits if name.endswith("p")):
        keys = [packet["pts"] for packet in packets(made.join(rung, scratch)) if "K" in packet["flags"]]
        assert keys == pytest.approx([0, 4, 8, 12], abs=0.0001)


async def test_a_second_attempt_gives_the_same_init_and_the_same_cuts(clips: Clips, store: Store) -> None:
    for kind in ("packaged as it is", "encoded"):
        path = SOURCES[kind](clips)
        (_, first), (_, second) = await make_all(store, path), await make_all(store, path)
        for rung in first.inits:
            assert first.inits[rung] == second.inits[rung]
            cuts = [
                [(part.number, part.start_ticks, part.duration_ticks) for part in made.segments[rung]]
                for made in (first, second)
            ]
            assert cuts[0] == cuts[1]


async def test_segments_of_two_attempts_fit_together(clips: Clips, store: Store, scratch: Path) -> None:
    path = SOURCES["encoded"](clips)
    (_, first), (_, second) = await make_all(store, path), await make_all(store, path)
    for rung in first.inits:
        whole = len(packets(first.join(rung, scratch)))
        for at in range(0, len(first.segments[rung]), 2):
            first.segments[rung][at] = second.segments[rung][at]
        assert len(packets(first.join(rung, scratch))) == whole
        assert probe(scratch / f"{rung}.mp4", "-show_error").get("error") is None


async def test_no_frame_is_lost_or_doubled(clips: Clips, store: Store, scratch: Path) -> None:
    _, made = await make_all(store, SOURCES["packaged as it is"](clips))
    for rung in made.inits:
        count = len(packets(made.join(rung, scratch)))
        if rung.endswith("p"):
            assert count == 13 * 25
        else:
            assert abs(count - 13 * 48000 / AAC_FRAME) <= 2


async def test_sound_is_cut_at_whole_frames(clips: Clips, store: Store) -> None:
    _, made = await make_all(store, SOURCES["sound alone"](clips))
    assert set(made.inits) == {"audio-64k", "audio-128k"}
    for parts in made.segments.values():
        whole = audio_frames(44100) * AAC_FRAME
        assert [part.start_ticks for part in parts] == [n * whole for n in range(len(parts))]
        assert {part.duration_ticks for part in parts[:-1]} == {whole}


async def test_loudness_is_measured_once(clips: Clips, store: Store) -> None:
    for kind in ("sound alone", "packaged as it is", "encoded"):
        _, made = await make_all(store, SOURCES[kind](clips))
        assert made.loudness is not None
        assert -40 < made.loudness.integrated_lufs < -10
        assert made.loudness.true_peak_dbtp is not None
        assert made.loudness.true_peak_dbtp < 0
