"""Merging a source's keyframes into segments. Imports nothing, for the process that reads indexes (``mp4``).

What does not belong here: grids that do not come from a source (``grid``).
"""

from collections.abc import Sequence

SEGMENT_S = 4.0
"""Long enough for few requests, short enough to start and switch quickly."""
LONGEST_S = 6.0
"""A source whose keyframes lie further apart is not packaged as it is."""


def merge_keyframes(times_s: Sequence[float]) -> tuple[float, ...]:
    """Segment starts out of keyframe times (ascending, from 0): about 4 s each, above 6 s never by choice.

    Greedy: the first keyframe at least 4 s on, unless that is beyond 6 s and an earlier one exists.
    """
    starts: list[float] = []
    earlier: float | None = None
    for time in times_s:
        if not starts:
            starts.append(time)
            continue
        if time - starts[-1] > LONGEST_S and earlier is not None:
            starts.append(earlier)
            earlier = None
        if time - starts[-1] >= SEGMENT_S:
            starts.append(time)
            earlier = None
        elif time > starts[-1]:
            earlier = time
    return tuple(starts)


def longest_gap(times_s: Sequence[float], end_s: float) -> float:
    """The longest distance in seconds between neighbours, the last one and ``end_s`` included."""
    ends = [*times_s[1:], end_s]
    return max((end - start for start, end in zip(times_s, ends, strict=True)), default=0.0)
