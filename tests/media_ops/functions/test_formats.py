"""Odd but honest sources: each becomes something that every browser plays."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.media_ops.functions.clips import AAC, H264, Clips, picture, tone
from tests.media_ops.functions.readback import Made, make_all, packets, probe
from tests.media_ops.functions.server import Store


def top(made: Made) -> str:
    """Name of the largest picture."""
    return max((name for name in made.inits if name.endswith("p")), key=lambda name: int(name[:-1]))


def stream_of(made: Made, rung: str, scratch: Path) -> dict[str, Any]:
    return probe(made.join(rung, scratch), "-show_streams")["streams"][0]


def assert_plays_everywhere(made: Made, scratch: Path) -> dict[str, Any]:
    """All pictures are progressive 8-bit 4:2:0 H.264 with square pixels; gives the largest."""
    assert all(made.segments.values())
    for rung in (name for name in made.inits if name.endswith("p")):
        stream = stream_of(made, rung, scratch)
        assert (stream["codec_name"], stream["pix_fmt"]) == ("h264", "yuv420p")
        assert stream["field_order"] == "progressive"
        assert stream.get("sample_aspect_ratio", "1:1") in ("1:1", "0:1")
    return stream_of(made, top(made), scratch)


SILENT: dict[str, tuple[str, list[str], tuple[int, int]]] = {
    "641x361": ("odd.mkv", [*picture("641x361", seconds=1), "-c:v", "ffv1"], (640, 360)),
    "portrait": ("portrait.mp4", [*picture("270x480", seconds=1), *H264], (270, 480)),
    "10-bit HEVC": (
        "ten.mp4",
        [*picture(seconds=1), *["-c:v", "libx265", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le"]],
        (320, 180),
    ),
    "4:4:4": (
        "full.mkv",
        [*picture(seconds=1), *["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv444p"]],
        (320, 180),
    ),
    "interlaced": (
        "fields.mpg",
        [
            *picture("720x576", seconds=1),
            *["-vf", "tinterlace=interleave_top", "-c:v", "mpeg2video", "-flags", "+ildct+ilme"],
        ],
        (720, 576),
    ),
    "wide pixels": ("wide.mp4", [*picture("360x288", seconds=1), "-vf", "setsar=64/45", *H264], (360, 202)),
    "animated GIF": ("moving.gif", [*picture("200x100", "10", 2)], (200, 100)),
    "alpha": (
        "alpha.mov",
        [*picture("160x90", seconds=1), *["-c:v", "qtrle", "-pix_fmt", "argb"]],
        (160, 90),
    ),
    "60 from 120 frames": ("fast.mp4", [*picture("160x90", "120", 2), *H264], (160, 90)),
    "HDR10": (
        "hdr.mp4",
        [
            *picture(seconds=1),
            *[
                "-c:v",
                "libx265",
                "-preset",
                "ultrafast",
                "-pix_fmt",
                "yuv420p10le",
                "-color_primaries",
                "bt2020",
            ],
            *["-color_trc", "smpte2084", "-colorspace", "bt2020nc", "-tag:v", "hvc1"],
        ],
        (320, 180),
    ),
    "HLG": (
        "hlg.mp4",
        [
            *picture(seconds=1),
            *[
                "-c:v",
                "libx265",
                "-preset",
                "ultrafast",
                "-pix_fmt",
                "yuv420p10le",
                "-color_primaries",
                "bt2020",
            ],
            *["-color_trc", "arib-std-b67", "-colorspace", "bt2020nc"],
        ],
        (320, 180),
    ),
}


@pytest.mark.parametrize("kind", SILENT)
async def test_picture_plays_everywhere(clips: Clips, store: Store, scratch: Path, kind: str) -> None:
    name, arguments, size = SILENT[kind]
    _, made = await make_all(store, clips.make(name, arguments))
    largest = assert_plays_everywhere(made, scratch)
    assert (largest["width"], largest["height"]) == size
    assert not [rung for rung in made.inits if rung.startswith("audio")]


@pytest.mark.parametrize(("turn", "size"), [(90, (180, 320)), (180, (320, 180)), (270, (180, 320))])
async def test_rotation_is_applied(
    clips: Clips, store: Store, scratch: Path, turn: int, size: tuple[int, int]
) -> None:
    flat = clips.make("flat.mp4", [*picture(seconds=1), *H264])
    turned = clips.make(f"turned-{turn}.mp4", ["-display_rotation", str(turn), "-i", str(flat), "-c", "copy"])
    source, made = await make_all(store, turned)
    assert source.video[0].rotation == (360 - turn) % 360
    largest = assert_plays_everywhere(made, scratch)
    assert (largest["width"], largest["height"]) == size
    assert "side_data_list" not in largest


async def test_one_frame(clips: Clips, store: Store, scratch: Path) -> None:
    path = clips.make("one-frame.mp4", [*picture(seconds=1), "-frames:v", "1", *H264])
    _, made = await make_all(store, path)
    assert len(packets(made.join(top(made), scratch))) == 1


async def test_varying_rate_becomes_constant_and_keeps_its_length(
    clips: Clips, store: Store, scratch: Path
) -> None:
    uneven = ["-vf", "select='not(mod(n,3))+lt(mod(n,50),20)'", "-fps_mode", "vfr"]
    path = clips.make("uneven.mkv", [*picture(rate="30", seconds=6), *tone(6), *uneven, *H264, *AAC])
    source, made = await make_all(store, path)
    assert source.video[0].variable_rate
    assert not (await make_all(store, clips.streamable()))[0].video[0].variable_rate
    times = sorted(packet["pts"] for packet in packets(made.join(top(made), scratch)))
    steps = {round(after - before, 3) for before, after in pairwise(times)}
    assert len(steps) == 1
    assert abs(times[-1] - 6) < 0.2


async def test_surround_is_kept_beside_stereo(clips: Clips, store: Store, scratch: Path) -> None:
    gop = ["-g", "50", "-movflags", "+faststart"]
    path = clips.make("surround.mp4", [*picture(seconds=5), *tone(5, "5.1"), *H264, *gop, *AAC])
    _, made = await make_all(store, path)
    sounds = {name: stream_of(made, name, scratch)["channels"] for name in made.inits if "audio" in name}
    assert sorted(sounds.values()) == [2, 6]
    assert made.inits[next(iter(sounds))].codecs == "mp4a.40.2"


async def test_surround_that_browsers_do_not_play_becomes_stereo(
    clips: Clips, store: Store, scratch: Path
) -> None:
    path = clips.make("dolby.mkv", [*picture(seconds=2), *tone(2, "5.1"), *H264, "-c:a", "ac3"])
    _, made = await make_all(store, path)
    assert {stream_of(made, name, scratch)["channels"] for name in made.inits if "audio" in name} == {2}


async def test_mono_stays_mono(clips: Clips, store: Store, scratch: Path) -> None:
    _, made = await make_all(store, clips.make("mono.wav", [*tone(3, "mono", 44100)]))
    assert {stream_of(made, name, scratch)["channels"] for name in made.inits} == {1}
    assert set(made.inits) == {"audio-48k", "audio-96k"}


async def test_of_several_sounds_the_default_one_plays(clips: Clips, store: Store) -> None:
    both = ["-map", "0:v", "-map", "1:a", "-map", "2:a", "-metadata:s:a:0", "language=deu"]
    chosen = ["-metadata:s:a:1", "language=fra", "-disposition:a:0", "0", "-disposition:a:1", "default"]
    path = clips.make(
        "tracks.mkv", [*picture(seconds=2), *tone(2), *tone(2, "mono"), *both, *chosen, *H264, *AAC]
    )
    source, made = await make_all(store, path)
    assert [audio.language for audio in source.audio] == ["fra", "deu"]
    assert source.audio[0].channels == 1
    assert all(made.segments.values())


@pytest.mark.parametrize("late", ["sound", "picture"])
async def test_a_late_stream_keeps_its_place(clips: Clips, store: Store, scratch: Path, late: str) -> None:
    delay = ["-itsoffset", "2"]
    sources = (
        [*picture(seconds=4), *delay, *tone(4)]
        if late == "sound"
        else [*delay, *picture(seconds=4), *tone(6)]
    )
    _, made = await make_all(store, clips.make(f"late-{late}.mkv", [*sources, *H264, *AAC]))
    sound = next(name for name in made.inits if "audio" in name)
    ends = [
        parts[-1].start_ticks + parts[-1].duration_ticks
        for parts in (made.segments[top(made)], made.segments[sound])
    ]
    seconds = [end / made.inits[name].timescale for end, name in zip(ends, (top(made), sound), strict=True)]
    assert seconds == pytest.approx([4, 6 if late == "sound" else 4], abs=0.15)


async def test_audio_with_a_cover_is_audio(clips: Clips, store: Store) -> None:
    cover = clips.make("front.jpg", [*picture("300x300", seconds=1), "-frames:v", "1", "-update", "1"])
    song = clips.make("plain.mp3", [*tone(3), "-c:a", "libmp3lame", "-b:a", "128k"])
    covered = clips.make(
        "covered.mp3",
        ["-i", str(song), "-i", str(cover), "-map", "0", "-map", "1", "-c", "copy", "-id3v2_version", "3"],
    )
    source, made = await make_all(store, covered)
    assert source.kind == "audio"
    assert [picture.width for picture in source.pictures] == [300]
    assert set(made.inits) == {"audio-64k", "audio-128k"}
