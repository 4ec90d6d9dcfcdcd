"""Where segments begin: the source's grid, fixed grids, and cutting fragments at them.

A segment is the same stretch of time in every attempt and every rung. What does not belong here:
bytes (``mp4``), merging keyframes (``keyframes``) and the choice between the grids (``ladder``).
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction

from media_ops.description import Rate
from media_ops.keyframes import LONGEST_S, SEGMENT_S
from media_ops.recipes import Grid

AAC_FRAME = 1024


def fixed_grid(rate: Rate) -> Grid:
    """About 4 s in whole frames of a constant rate."""
    frames = max(1, round(SEGMENT_S * float(rate)))
    return Grid(
        kind="fixed", rate=rate, frames=frames, target_s=max(1, math.ceil(frames / float(rate) - 0.01))
    )


def source_grid(times_s: tuple[float, ...]) -> Grid:
    """The source's own keyframes, already merged."""
    return Grid(kind="source", times_s=times_s, target_s=math.ceil(LONGEST_S))


def audio_frames(sample_rate: int) -> int:
    """AAC frames of a segment: about 4 s, never more (so that no audio segment outgrows TARGETDURATION)."""
    return max(1, int(SEGMENT_S * sample_rate / AAC_FRAME))


class Cutter:
    """Tells which segment a fragment belongs to by the time at which it starts."""

    def __init__(
        self, starts_ticks: Sequence[int] | None, length_ticks: Fraction | None, slack_ticks: int
    ) -> None:
        """Either listed ``starts_ticks`` or an even ``length_ticks``; ``slack_ticks`` forgives rounding."""
        self._starts, self._length, self._slack = starts_ticks, length_ticks, slack_ticks

    def number(self, start_ticks: int) -> int:
        """Place on the grid, from 0, of the segment that holds what starts at ``start_ticks``."""
        at = start_ticks + self._slack
        if self._starts is not None:
            return max(0, bisect_right(self._starts, at) - 1)
        if self._length is None:
            raise ValueError("a cutter needs starts or a length")
        return max(0, int(at / self._length))


def cutter(grid: Grid, kind: str, timescale: int, sample_rate: int | None) -> Cutter:
    """The cutter of a rung whose track counts in ``timescale`` ticks per second."""
    slack = max(1, timescale // 200)
    if kind == "audio":
        length = Fraction(
            audio_frames(sample_rate or timescale) * AAC_FRAME * timescale, sample_rate or timescale
        )
        return Cutter(None, length, round(timescale * AAC_FRAME / (sample_rate or timescale)) // 2)
    if grid.kind == "source":
        return Cutter([round(time * timescale) for time in grid.times_s], None, slack)
    if grid.rate is None:
        raise ValueError("a fixed grid has a rate")
    return Cutter(None, Fraction(grid.frames * timescale) / grid.rate.fraction, slack)
