"""What jobs cost in time, and which rungs of a plan one job can make within its wall time.

What does not belong here: choosing rungs (``ladder``) and the limits themselves (``sandbox``).
"""

from collections.abc import Iterable, Sequence

import msgspec

from media_ops import sandbox
from media_ops.description import SourceDescription
from media_ops.recipes import Group, Rung

ENCODE_PIXELS_S = 45e6
"""Pixels a second that two cores encode beside other work (x264 veryfast, measured)."""
DECODE_PIXELS_S = 500e6
"""Pixels a second that two cores decode and scale beside other work (2160p: H.264 760, HEVC 545 million)."""
COPY_SPEED = 200.0
AUDIO_SPEED = 40.0
"""Seconds of media a second."""
UNKNOWN_S = 60.0
"""Taken where a source does not say how long it is."""
LONGEST_JOB_S = sandbox.WORK.wall_s / 1.2
"""A job that is estimated to take longer is not planned: an attempt begins at 0, so one that the wall time
ends has made nothing. The margin is for a machine that is busier than the one that was measured."""


def cost_s(source: SourceDescription, rungs: Iterable[Rung]) -> float:
    """Seconds that one job takes for these rungs of a source, estimated; a second at least."""
    rungs = tuple(rungs)
    return max(1.0, _decode_s(source, rungs) + sum(_rung_cost_s(source, rung) for rung in rungs))


def fits(source: SourceDescription, rungs: Iterable[Rung]) -> bool:
    """Whether one job can make these rungs before its wall time ends it."""
    return cost_s(source, rungs) <= LONGEST_JOB_S


def bounded(source: SourceDescription, groups: Sequence[Group]) -> tuple[list[Group], tuple[str, ...]]:
    """Groups of which each fits, and the names of the rungs that fit in no job, which are left out.

    The first group stays as it is: whether an item can be made at all is its planner's to say.
    """
    kept: list[Group] = []
    left_out: list[str] = []
    for group in groups:
        if group.first:
            kept.append(group)
            continue
        left_out += [rung.name for rung in group.rungs if not fits(source, (rung,))]
        kept += [msgspec.structs.replace(group, rungs=part) for part in _parts(source, group.rungs)]
    return kept, tuple(left_out)


def _parts(source: SourceDescription, rungs: Sequence[Rung]) -> list[tuple[Rung, ...]]:
    """From small to large as many to a job as fit, each of which decodes the source once more."""
    parts: list[tuple[Rung, ...]] = []
    for rung in rungs:
        if parts and fits(source, (*parts[-1], rung)):
            parts[-1] = (*parts[-1], rung)
        elif fits(source, (rung,)):
            parts.append((rung,))
    return parts


def _decode_s(source: SourceDescription, rungs: Sequence[Rung]) -> float:
    video = source.main_video
    if video is None or not any(rung.kind == "video" and rung.mode == "encode" for rung in rungs):
        return 0.0
    pixels_s = float(video.frame_rate.fraction) * video.width * video.height
    return (source.duration_s or UNKNOWN_S) * pixels_s / DECODE_PIXELS_S


def _rung_cost_s(source: SourceDescription, rung: Rung) -> float:
    duration_s = source.duration_s or UNKNOWN_S
    if rung.mode == "copy":
        return duration_s / COPY_SPEED
    if rung.kind == "audio":
        return duration_s / AUDIO_SPEED
    rate = float(rung.frame_rate) if rung.frame_rate else 30.0
    return duration_s * rate * (rung.width or 640) * (rung.height or 360) / ENCODE_PIXELS_S
