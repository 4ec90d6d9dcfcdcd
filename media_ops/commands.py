"""ffmpeg's command for a set of rungs from one decode, each into a pipe of its own (by ffmpeg-python).

What is asked of ffmpeg stands here and in ``filters``; running it is ``produce``'s business.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import ffmpeg

from media_ops import filters, sandbox, tools
from media_ops.description import Rate, SourceDescription
from media_ops.grid import AAC_FRAME, audio_frames
from media_ops.inspect import MAX_DURATION_S, MAX_PIXELS
from media_ops.recipes import Grid, Rung

RESTARTING = ("mpegts", "mpeg", "ogg")
"""Containers whose clock may jump. ffmpeg mends that, but only while it also moves their start to 0."""
FRAGMENTS = "+cmaf+frag_discont+skip_trailer"
"""CMAF (ISO/IEC 23000-19, ``cmf2``) with signed composition offsets and no edit lists, so that ``tfdt`` of
a segment is its presentation time in every rung. hls.js reads no edit lists; browsers agree on this form."""
DROP_BEFORE_ZERO = "noise=drop='lt(pts,0)'"
"""Encoder priming and whatever lies before time 0: dropped whole, so no edit list is needed."""
FORCED_EARLY = (0.1, 0.55)
"""A keyframe is forced at the first frame after a moment that lies this share of a frame before its time:
rounding is harmless. Between the two the moment is the one with the fewest digits: all of them are one
argument, which Linux bounds at 128 KiB, and 12 hours have some 14,400."""
GOP_LIMIT = 600
REORDERED = 1
"""ffmpeg's own demuxer shows signed offsets late by the frames that are reordered; one is below notice."""


def zero_offset(source: SourceDescription) -> float:
    """Seconds between 0 of ffmpeg's timestamps under our options and time 0 of what we publish."""
    if source.container not in RESTARTING:
        return source.zero_s
    starts = [stream.start_s for stream in (source.main_video, source.main_audio) if stream]
    return source.zero_s - min(starts)


def command(
    url: str,
    source: SourceDescription,
    grid: Grid,
    outputs: Mapping[int, Rung],
    *,
    loudness: bool = False,
) -> list[str]:
    """The argument list that writes each rung of ``outputs`` into the file descriptor that is its key."""
    opened = ffmpeg.input(url, **_input_options(source))
    offset = zero_offset(source)
    streams = [
        *_pictures(opened, source, grid, outputs, offset),
        *_sounds(opened, source, outputs, offset, loudness=loudness),
        *_copies(opened, outputs, offset),
    ]
    for index in _clock_only(source, outputs.values()):
        streams.append(ffmpeg.output(opened[str(index)], "-", f="null", c="copy"))
    return _compile(streams)


def _encoded(outputs: Mapping[int, Rung], kind: str) -> list[tuple[int, Rung]]:
    return [(fd, rung) for fd, rung in outputs.items() if (rung.mode, rung.kind) == ("encode", kind)]


def _pictures(
    opened: Any, source: SourceDescription, grid: Grid, outputs: Mapping[int, Rung], offset: float
) -> list[Any]:
    wanted = _encoded(outputs, "video")
    if not wanted or source.main_video is None:
        return []
    scaled = filters.pictures(opened, source.main_video, offset, grid, [rung for _, rung in wanted])
    return [
        ffmpeg.output(stream, f"pipe:{fd}", **_picture_options(rung, grid))
        for (fd, rung), stream in zip(wanted, scaled, strict=True)
    ]


def _sounds(
    opened: Any, source: SourceDescription, outputs: Mapping[int, Rung], offset: float, *, loudness: bool
) -> list[Any]:
    wanted = _encoded(outputs, "audio")
    if source.main_audio is None or not (wanted or loudness):
        return []
    heard, meters = filters.sounds(opened, source.main_audio, offset, len(wanted), loudness=loudness)
    encodes = [
        ffmpeg.output(stream, f"pipe:{fd}", **_sound_options(rung))
        for (fd, rung), stream in zip(wanted, heard, strict=True)
    ]
    return encodes + [ffmpeg.output(meter, "-", f="null") for meter in meters]


def _copies(opened: Any, outputs: Mapping[int, Rung], offset: float) -> list[Any]:
    return [
        ffmpeg.output(opened[str(rung.stream)], f"pipe:{fd}", **_copy_options(rung, offset))
        for fd, rung in outputs.items()
        if rung.mode == "copy"
    ]


def _compile(streams: Sequence[Any]) -> list[str]:
    quiet = ("-hide_banner", "-nostdin", "-nostats", "-loglevel", "level+info")
    argv = ffmpeg.compile(ffmpeg.merge_outputs(*streams).global_args(*quiet), cmd=tools.ffmpeg())
    return [str(word) for word in argv]


def _input_options(source: SourceDescription) -> dict[str, Any]:
    options: dict[str, Any] = {**sandbox.input_options(), "t": MAX_DURATION_S, "max_pixels": MAX_PIXELS}
    if source.container not in RESTARTING:
        options["copyts"] = None
    return options


def _clock_only(source: SourceDescription, rungs: Iterable[Rung]) -> list[int]:
    """Main streams that no rung uses, but that decide where a restarting clock starts."""
    if source.container not in RESTARTING:
        return []
    used = {rung.stream for rung in rungs}
    return [
        stream.index
        for stream in (source.main_video, source.main_audio)
        if stream and stream.index not in used
    ]


def _container_options() -> dict[str, Any]:
    return {
        "f": "mp4",
        "map_metadata": -1,
        "map_chapters": -1,
        "fflags": "+bitexact",
        "flags": "+bitexact",
    }


def _picture_options(rung: Rung, grid: Grid) -> dict[str, Any]:
    options = {
        **_container_options(),
        "c:v": "libx264",
        "preset": rung.preset,
        "crf": rung.crf,
        "maxrate": rung.bitrate,
        "bufsize": 2 * rung.bitrate,
        "profile:v": "high",
        "pix_fmt": "yuv420p",
        "bf": REORDERED,
        "sc_threshold": 0,
        "forced-idr": 1,
        "fps_mode": "passthrough",
        "movflags": f"{FRAGMENTS}+frag_keyframe",
    }
    if grid.kind == "fixed":
        return {**options, "g": grid.frames, "keyint_min": grid.frames}
    times = ",".join(_moment(time, rung.frame_rate) for time in grid.times_s)
    return {**options, "g": GOP_LIMIT, "force_key_frames": times, "enc_time_base": "filter"}


def _moment(time_s: float, rate: Rate | None) -> str:
    """When to ask for a keyframe so that the frame at ``time_s`` becomes one; the shortest spelling."""
    frame_s = 1 / float(rate) if rate else 0.0
    earliest, latest = (time_s - share * frame_s for share in reversed(FORCED_EARLY))
    for digits in range(3):
        moment = math.floor(latest * 10**digits) / 10**digits
        if moment >= earliest:
            return f"{max(0.0, moment):.{digits}f}"
    return f"{max(0.0, latest):.3f}"


def _sound_options(rung: Rung) -> dict[str, Any]:
    return {
        **_container_options(),
        **_sound_fragments(rung),
        "c:a": "aac",
        "b:a": rung.bitrate,
        "ar": rung.sample_rate,
        "ac": rung.channels,
        "bsf:a": DROP_BEFORE_ZERO,
    }


def _sound_fragments(rung: Rung) -> dict[str, Any]:
    """One fragment a segment: half a frame short of its length, so that rounding cannot add a frame."""
    rate = rung.sample_rate or 1
    micros = round((audio_frames(rate) - 0.5) * AAC_FRAME * 1_000_000 / rate)
    return {"movflags": FRAGMENTS, "frag_duration": micros}


def _copy_options(rung: Rung, offset: float) -> dict[str, Any]:
    moved = f"setts=pts=round(PTS-{offset:.6f}/TB):dts=round(DTS-{offset:.6f}/TB)"
    if rung.kind == "video":
        movflags = {"movflags": f"{FRAGMENTS}+frag_keyframe"}
        return {**_container_options(), **movflags, "c": "copy", "bsf:v": moved}
    sound = _sound_fragments(rung)
    return {**_container_options(), **sound, "c": "copy", "bsf:a": f"{moved},{DROP_BEFORE_ZERO}"}
