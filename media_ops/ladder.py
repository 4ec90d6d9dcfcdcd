"""The ladder: which rungs are made of a source, and in which groups. A pure function of the description.

Never above the source; the picture as seen (turned, square pixels) decides. What does not belong here:
whether a stream is packaged as it is (``streamable``), how a rung is made (``commands``), what that takes
(``costs``).
"""

import math
from fractions import Fraction

from media_ops.costs import bounded, fits
from media_ops.description import AudioStream, Rate, SourceDescription, VideoStream
from media_ops.failures import bad_media
from media_ops.grid import fixed_grid, source_grid
from media_ops.keyframes import SEGMENT_S
from media_ops.recipes import STANDARD, Grid, Group, Plan, Recipe, Rung
from media_ops.streamable import streamable

STEPS: tuple[tuple[int, int], ...] = (
    (144, 110_000),
    (240, 280_000),
    (360, 650_000),
    (480, 1_100_000),
    (720, 2_500_000),
    (1080, 4_800_000),
    (1440, 9_000_000),
    (2160, 17_000_000),
)
"""Lines of a 16:9 picture and ceiling in bits per second at up to 30 frames a second (H.264). 144 lines
at 110 kbit/s is for phones on costly networks; the others follow common practice for 4 s GOPs."""
FAST_FRAMES = 1.4
"""Ceilings are this much higher above 30 frames a second."""
QUICK_LINES = 240
"""The rung that is made first where nothing can be packaged as it is: watchable, and encoded at many
times real time."""
TOLERANCE = 1.02
"""1088 lines are 1080p."""
CLOSE = 0.8
"""A rung with more than this share of the next one's pixels is not worth its work."""
STEP_DOWN = 0.75
"""A rung has at most this share of the bit rate of the one above, so that players have a choice."""
MAX_RATE = Fraction(60)
STANDARD_RATES = tuple(
    Fraction(*pair)
    for pair in ((24000, 1001), (24, 1), (25, 1), (30000, 1001), (30, 1), (50, 1), (60000, 1001), (60, 1))
)
LOWEST_RATE = Fraction(1)
EFFICIENT = {"hevc": 1.7, "vp9": 1.5, "av1": 2.0}
"""H.264 needs this many times the bits of these codecs."""
CRF, PRESET = 23, "veryfast"

STEREO_STEPS, MONO_STEPS = (64_000, 128_000), (48_000, 96_000)
LOWEST_AUDIO_BITRATE = 8_000
LOSSY = frozenset(
    {"aac", "mp3", "mp2", "ac3", "eac3", "opus", "vorbis", "wmav1", "wmav2", "wmapro", "amr_nb"}
)
SAMPLE_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)


def plan(source: SourceDescription, recipe: Recipe = STANDARD) -> Plan:
    """Grid and groups of rungs for a source, the group that makes it playable first. Pure.

    No group takes longer than a job may, but for the first one of a source that ``feasible_plan`` refuses.
    """
    verdict = streamable(source)
    video, audio = source.main_video, source.main_audio
    sound = audio_rungs(audio, copied=verdict.audio) if audio else ()
    if video is None:
        grid, groups = Grid(kind="fixed", target_s=math.ceil(SEGMENT_S)), _audio_groups(sound)
    else:
        picture = video_rungs(source, video, copied=verdict.video)
        grid, groups = _grid(source, video, copied=verdict.video), _video_groups(picture, sound)
    kept, left_out = bounded(source, [group for group in groups if group.rungs])
    return Plan(kind=source.kind, recipe=recipe, grid=grid, groups=tuple(kept), left_out=left_out)


def feasible_plan(source: SourceDescription) -> Plan:
    """The plan of a source; BadMediaError ``too_demanding`` where not even its first group can be made."""
    planned = plan(source)
    if not fits(source, planned.groups[0].rungs):
        raise bad_media("too_demanding", duration_s=source.duration_s)
    return planned


def _grid(source: SourceDescription, video: VideoStream, *, copied: bool) -> Grid:
    if copied and source.keyframes:
        return source_grid(source.keyframes.grid_s)
    return fixed_grid(Rate.of(output_rate(video)))


def _audio_groups(sound: tuple[Rung, ...]) -> tuple[Group, ...]:
    first, rest = _first_sound(sound)
    kind = "copy" if any(rung.mode == "copy" for rung in first) else "audio"
    return (
        Group(kind=kind, lane="audio", slot="quick", first=True, rungs=first),
        Group(kind="audio", lane="audio", slot="encode", first=False, rungs=rest),
    )


def _video_groups(picture: tuple[Rung, ...], sound: tuple[Rung, ...]) -> tuple[Group, ...]:
    """First what plays soonest with its sound, then the other sound, then the other pictures."""
    copied = next((rung for rung in picture if rung.mode == "copy"), None)
    quick = copied or _quick(picture)
    first, other = _first_sound(sound)
    rest = tuple(rung for rung in picture if rung is not quick)
    return (
        Group(
            kind="copy" if copied else "encode", lane="video", slot="quick", first=True, rungs=(quick, *first)
        ),
        Group(kind="audio", lane="audio", slot="encode", first=False, rungs=other),
        Group(kind="encode", lane="video", slot="encode", first=False, rungs=rest),
    )


def _first_sound(sound: tuple[Rung, ...]) -> tuple[tuple[Rung, ...], tuple[Rung, ...]]:
    """The best rung, and beside one of many channels the best that every device plays."""
    first = sound[-1:]
    if first and (first[0].channels or 0) > 2:
        first = sound[-2:]
    return first, sound[: len(sound) - len(first)]


def _quick(picture: tuple[Rung, ...]) -> Rung:
    """The largest rung up to 240 lines, or the smallest there is."""
    small = [rung for rung in picture if min(rung.width or 0, rung.height or 0) <= QUICK_LINES]
    return small[-1] if small else picture[0]


def output_rate(video: VideoStream) -> Fraction:
    """The constant frame rate of encodes: the source's; above 60 an even share of it; a varying one is
    stated as its nominal rate where most frames follow it, else as the next standard rate."""
    rate = video.frame_rate.fraction
    if video.variable_rate:
        nominal = video.nominal_rate.fraction
        near = nominal <= MAX_RATE and rate >= nominal * Fraction(4, 5)
        rate = (
            nominal if near else next((r for r in STANDARD_RATES if r >= rate * Fraction(99, 100)), MAX_RATE)
        )
    rate = max(rate, LOWEST_RATE)
    return rate / math.ceil(rate / (MAX_RATE * Fraction(101, 100)))


def video_rungs(source: SourceDescription, video: VideoStream, *, copied: bool) -> tuple[Rung, ...]:
    """Picture rungs from small to large; the last is the source's size (as it is, where ``copied``)."""
    rate = output_rate(video)
    sizes = _sizes(video.display)
    known = video.bitrate or source.bitrate or _average_bitrate(source)
    ceiling = known if copied or known is None else int(known * EFFICIENT.get(video.codec, 1.0))
    rungs: list[Rung] = []
    for lines, bitrate, width, height in reversed(sizes):
        top = not rungs
        if not (top and copied):
            bitrate = int(bitrate * (FAST_FRAMES if rate > 31 else 1))
        if top:
            bitrate = (known or bitrate) if copied else min(bitrate, ceiling or bitrate)
        else:
            bitrate = min(bitrate, int(rungs[-1].bitrate * STEP_DOWN))
        rung = Rung(
            name=f"{lines}p",
            kind="video",
            mode="copy" if top and copied else "encode",
            codec="h264",
            bitrate=max(bitrate, 1),
            stream=video.index,
            width=video.width if top and copied else width,
            height=video.height if top and copied else height,
            frame_rate=video.frame_rate if top and copied else Rate.of(rate),
            crf=None if top and copied else CRF,
            preset=None if top and copied else PRESET,
        )
        rungs.append(rung)
    return tuple(reversed(rungs))


def _average_bitrate(source: SourceDescription) -> int | None:
    return int(source.size * 8 / source.duration_s) if source.duration_s else None


def _sizes(display: tuple[int, int]) -> list[tuple[int, int, int, int]]:
    """(lines, ceiling, width, height) of the rungs from small to large, for a picture as seen."""
    short, long = min(display), max(display)
    found: list[tuple[int, int, int, int]] = []
    for lines, bitrate in STEPS:
        scale = min(Fraction(1), Fraction(lines, short), Fraction(lines * 16, 9 * long))
        whole = scale * Fraction(TOLERANCE) >= 1
        width, height = (_even(side if whole else side * scale) for side in display)
        found.append((lines, bitrate, width, height))
        if whole:
            break
    else:
        lines, bitrate = STEPS[-1]
        found[-1] = (lines, bitrate, _even(display[0]), _even(display[1]))
    kept = found[-1:]
    for size in reversed(found[:-1]):
        if size[2] * size[3] <= CLOSE * kept[0][2] * kept[0][3]:
            kept.insert(0, size)
    return kept


def _even(side: Fraction | int) -> int:
    """Rounded down to even: 4:2:0 has no odd sizes, and nothing may outgrow the source."""
    return max(2, int(side) // 2 * 2)


def audio_rungs(audio: AudioStream, *, copied: bool) -> tuple[Rung, ...]:
    """Sound rungs from small to large; a copy is last. More than two channels are mixed to two."""
    steps = MONO_STEPS if audio.channels == 1 else STEREO_STEPS
    limit = audio.bitrate if audio.bitrate and (copied or audio.codec in LOSSY) else None
    if copied and limit and audio.channels <= 2:
        steps = tuple(step for step in steps if step <= limit * CLOSE)
    elif limit:
        steps = tuple(step for step in steps if step <= limit) or (max(limit, LOWEST_AUDIO_BITRATE),)
    rungs = [_encoded_audio(audio, step) for step in steps]
    if copied and audio.bitrate:
        name = f"audio-{max(1, round(audio.bitrate / 1000))}k"
        rungs.append(
            Rung(
                name=f"{name}-{audio.channels}ch" if audio.channels > 2 else name,
                kind="audio",
                mode="copy",
                codec="aac",
                bitrate=audio.bitrate,
                stream=audio.index,
                channels=audio.channels,
                sample_rate=audio.sample_rate,
            )
        )
    return tuple(rungs)


def _encoded_audio(audio: AudioStream, bitrate: int) -> Rung:
    return Rung(
        name=f"audio-{max(1, round(bitrate / 1000))}k",
        kind="audio",
        mode="encode",
        codec="aac",
        bitrate=bitrate,
        stream=audio.index,
        channels=min(audio.channels, 2),
        sample_rate=output_sample_rate(audio.sample_rate),
    )


def output_sample_rate(sample_rate: int) -> int:
    """A rate AAC and browsers know: the source's own, half or quarter of a studio rate, else the next."""
    for candidate in (sample_rate, sample_rate // 2, sample_rate // 4):
        if candidate in SAMPLE_RATES:
            return candidate
    return next((rate for rate in SAMPLE_RATES if rate >= sample_rate), SAMPLE_RATES[-1])
