"""Promises of ffmpeg's arguments: keyframes are asked for on the grid, in arguments that Linux takes."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from media_ops.commands import command
from media_ops.description import Rate
from media_ops.grid import source_grid
from media_ops.inspect import MAX_DURATION_S
from media_ops.keyframes import merge_keyframes
from tests.media_ops.items import DESCRIPTION, HIGH, LOW

MAX_ARG_STRLEN = 128 << 10
"""Bytes of one argument with its end mark (Linux, include/uapi/linux/binfmts.h)."""
RATES = (Rate(60), Rate(60_000, 1001), Rate(30_000, 1001), Rate(24_000, 1001), Rate(25))


def arguments(times_s: tuple[float, ...], rate: Rate) -> list[str]:
    """The command of two encoded rungs on a source's own grid."""
    low, high = (msgspec.structs.replace(rung, frame_rate=rate) for rung in (LOW, HIGH))
    return command("http://127.0.0.1/x", DESCRIPTION, source_grid(times_s), {3: low, 4: high})


def forced(argv: list[str]) -> list[float]:
    return [float(word) for word in argv[argv.index("-force_key_frames") + 1].split(",")]


def test_the_longest_source_with_the_shortest_segments_fits_into_an_argument() -> None:
    """Three seconds and a little: two keyframes are beyond six seconds, so each begins a segment."""
    for rate in RATES:
        frames = int(3 * float(rate)) + 1
        count = int(MAX_DURATION_S * float(rate) / frames)
        keyframes = [number * frames / float(rate) for number in range(count)]
        times = merge_keyframes(keyframes)
        assert len(times) > 13_000
        argv = arguments(times, rate)
        assert len(forced(argv)) == len(times)
        assert max(len(word.encode()) for word in argv) < MAX_ARG_STRLEN


@given(rate=st.sampled_from(RATES), number=st.integers(1, 12 * 3600 * 60), shift_s=st.floats(0, 0.1))
def test_a_keyframe_is_asked_for_before_its_frame_and_after_the_one_before(
    rate: Rate, number: int, shift_s: float
) -> None:
    frame_s = 1 / float(rate)
    time = number * frame_s + shift_s
    (moment,) = forced(arguments((time,), rate))
    assert time - 0.6 * frame_s < moment < time - 0.05 * frame_s
