"""From `complete` to an item that plays: at every length, streamable or not, and with both workers busy."""

from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from bench import clips
from bench.creator import Creator
from bench.registry import Row, Rows, at_most, bench
from bench.stack import Stack

LENGTHS_S = {"10 s": 10, "1 min": 60, "5 min": 300, "20 min": 1200, "60 min": 3600}
REPEATS = 10
BACKLOG_ITEMS = 4
BACKLOG_S = 1200


@bench("Complete → first playable", needs_stack=True)
def first_playable(stack: Stack) -> Rows:
    """Seconds from the answer to `complete` until playback answers and its playlist is there."""
    creator = Creator(stack.api)
    yield from _lengths(creator, "streamable 720p30", clips.streamable, p50=1, worst=2)
    yield from _lengths(creator, "to transcode 1080p30", clips.foreign, p50=4, worst=4)
    yield from _very_large(creator)
    yield from _under_backlog(creator)


def _very_large(creator: Creator) -> Iterator[Row]:
    """4K is reported without a goal."""
    times = [_once(creator, clips.foreign(10, size="3840x2160")) for _ in range(3)]
    yield Row("to transcode 2160p30, 10 s: median of 3", median(times), "s")


def _lengths(
    creator: Creator, what: str, clip: Callable[[int], Path], *, p50: float, worst: float
) -> Iterator[Row]:
    medians = []
    for name, seconds in LENGTHS_S.items():
        times = [_once(creator, clip(seconds)) for _ in range(REPEATS)]
        medians.append(median(times))
        yield Row(f"{what}, {name}: median of {REPEATS}", medians[-1], "s", at_most(p50))
        yield Row(f"{what}, {name}: slowest of {REPEATS}", max(times), "s", at_most(worst))
    yield Row(
        f"{what}: 60 min against 10 s",
        medians[-1] / medians[0],
        "ratio",
        note="1 is the same at every length",
    )


def _under_backlog(creator: Creator) -> Iterator[Row]:
    """Both workers encode long items; short fresh ones must not wait for them."""
    backlog = [_publish(creator, clips.foreign(BACKLOG_S)) for _ in range(BACKLOG_ITEMS)]
    for media_id in backlog:
        creator.seconds_until_playable(media_id)
    for what, clip in (("streamable", clips.streamable(60)), ("to transcode", clips.foreign(60))):
        times = [_once(creator, clip) for _ in range(REPEATS)]
        yield Row(f"with both workers busy, {what}: median", median(times), "s")
        yield Row(f"with both workers busy, {what}: slowest of {len(times)}", max(times), "s", at_most(5))
    for media_id in backlog:
        creator.delete(media_id)


def _publish(creator: Creator, clip: Path) -> str:
    begun, parts = creator.send(clip)
    creator.complete(begun, parts)
    return begun.media_id


def _once(creator: Creator, clip: Path) -> float:
    """The item is deleted once it plays, so that its other rungs burden no later measurement."""
    media_id = _publish(creator, clip)
    seconds = creator.seconds_until_playable(media_id)
    creator.delete(media_id)
    return seconds
