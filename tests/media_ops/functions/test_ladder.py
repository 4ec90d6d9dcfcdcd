"""The ladder's laws, whatever the source: never above it, ordered, even, and always something small."""

from fractions import Fraction
from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as some

from media_ops.description import AudioStream, Keyframes, Rate, SourceDescription, VideoStream
from media_ops.grid import fixed_grid
from media_ops.keyframes import LONGEST_S, longest_gap, merge_keyframes
from media_ops.ladder import output_rate, plan
from media_ops.recipes import STANDARD, Rung, rendition_digest
from media_ops.streamable import streamable

ODD_RATES = [
    (24000, 1001),
    (25, 1),
    (30000, 1001),
    (30, 1),
    (50, 1),
    (60, 1),
    (120, 1),
    (240, 1),
    (10, 1),
    (1, 2),
]


@some.composite
def videos(draw: some.DrawFn) -> VideoStream:
    rate = Rate(*draw(some.sampled_from(ODD_RATES)))
    return VideoStream(
        index=0,
        codec=draw(some.sampled_from(["h264", "hevc", "vp9", "prores"])),
        profile="High",
        level=40,
        width=draw(some.integers(16, 8192)),
        height=draw(some.integers(16, 4320)),
        rotation=draw(some.sampled_from([0, 90, 180, 270])),
        mirrored=False,
        sample_aspect=Rate(*draw(some.sampled_from([(1, 1), (16, 15), (64, 45), (8, 9)]))),
        frame_rate=rate,
        variable_rate=draw(some.booleans()),
        nominal_rate=Rate(*draw(some.sampled_from([*ODD_RATES, (90000, 1)]))),
        pixel_format="yuv420p",
        bit_depth=8,
        chroma="4:2:0",
        alpha=False,
        color_range="tv",
        color_primaries="bt709",
        color_transfer="bt709",
        color_matrix="bt709",
        hdr="sdr",
        field_order="progressive",
        start_s=0.0,
        duration_s=60.0,
        frames=None,
        bitrate=draw(some.none() | some.integers(10_000, 60_000_000)),
        language=None,
    )


@some.composite
def audios(draw: some.DrawFn) -> AudioStream:
    return AudioStream(
        index=1,
        codec=draw(some.sampled_from(["aac", "mp3", "flac", "amr_nb", "opus"])),
        profile="LC",
        channels=draw(some.integers(1, 8)),
        layout="",
        sample_rate=draw(some.sampled_from([8000, 11025, 22050, 44100, 48000, 88200, 96000, 192000])),
        start_s=0.0,
        duration_s=60.0,
        bitrate=draw(some.none() | some.integers(4_000, 1_500_000)),
        language=None,
        title=None,
        default=True,
    )


@some.composite
def sources(draw: some.DrawFn) -> SourceDescription:
    video = draw(some.none() | videos())
    audio = draw(audios() if video is None else some.none() | audios())
    gaps = draw(some.lists(some.floats(0.04, 8), max_size=30))
    times = tuple(sum(gaps[:n]) for n in range(len(gaps) + 1))
    keyframes = Keyframes(len(times), longest_gap(times, times[-1] + 1), merge_keyframes(times), True)
    return SourceDescription(
        container="mov,mp4,m4a,3gp,3g2,mj2",
        kind="video" if video else "audio",
        size=10_000_000,
        start_s=0.0,
        duration_s=60.0,
        bitrate=None,
        video=(video,) if video else (),
        audio=(audio,) if audio else (),
        pictures=(),
        subtitles=0,
        chapters=(),
        keyframes=draw(some.none() | some.just(keyframes)) if video else None,
    )


def pictures(rungs: tuple[Rung, ...]) -> list[Rung]:
    return sorted((rung for rung in rungs if rung.kind == "video"), key=lambda rung: int(rung.name[:-1]))


def sounds(rungs: tuple[Rung, ...]) -> list[Rung]:
    return [rung for rung in rungs if rung.kind == "audio"]


@given(sources())
def test_pictures_are_never_above_the_source_and_always_even(source: SourceDescription) -> None:
    video = source.main_video
    for rung in pictures(plan(source).rungs):
        assert video is not None
        assert rung.width is not None
        assert rung.height is not None
        assert 2 <= rung.width <= max(2, video.display[0])
        assert 2 <= rung.height <= max(2, video.display[1])
        assert rung.width % 2 == 0
        assert rung.height % 2 == 0


@given(sources())
def test_larger_pictures_have_more_pixels_and_bits(source: SourceDescription) -> None:
    rungs = pictures(plan(source).rungs)
    for smaller, larger in pairwise(rungs):
        assert (smaller.width or 0) * (smaller.height or 0) < (larger.width or 0) * (larger.height or 0)
        assert smaller.bitrate <= larger.bitrate


@given(sources())
def test_there_is_always_a_rung_of_little_data(source: SourceDescription) -> None:
    rungs = pictures(plan(source).rungs)
    if source.main_video:
        smallest = rungs[0]
        assert min(smallest.width or 0, smallest.height or 0) <= 300
        if smallest.mode == "encode":
            assert smallest.bitrate <= 400_000


@given(sources())
def test_names_are_unique_and_every_rung_is_in_one_group(source: SourceDescription) -> None:
    planned = plan(source)
    names = [rung.name for rung in planned.rungs]
    assert names
    assert len(names) == len(set(names))
    assert [group.first for group in planned.groups] == [True] + [False] * (len(planned.groups) - 1)


@given(sources())
def test_the_first_group_plays_by_itself(source: SourceDescription) -> None:
    first = plan(source).groups[0]
    kinds = {rung.kind for rung in first.rungs}
    assert kinds == ({"video"} if source.main_video else set()) | ({"audio"} if source.main_audio else set())
    heard = sounds(first.rungs)
    assert not heard or any((rung.channels or 0) <= 2 for rung in heard)


@given(sources())
def test_a_copy_is_only_what_browsers_play(source: SourceDescription) -> None:
    verdict, planned = streamable(source), plan(source)
    copies = [rung for rung in planned.rungs if rung.mode == "copy"]
    assert {rung.kind for rung in copies} == {
        kind for kind, allowed in (("video", verdict.video), ("audio", verdict.audio)) if allowed
    }
    if verdict.video:
        assert planned.grid.kind == "source"
        starts = [*planned.grid.times_s]
        assert all(after - before <= LONGEST_S for before, after in pairwise(starts))


@given(videos())
def test_frame_rate_is_kept_or_halved_never_above_60(video: VideoStream) -> None:
    rate = output_rate(video)
    assert 1 <= rate <= Fraction(606, 10)
    source = video.frame_rate.fraction
    if not video.variable_rate and 1 <= source <= 60:
        assert rate == source


@given(some.lists(some.floats(0.01, 6), max_size=200))
def test_merged_segments_are_never_longer_than_the_limit(gaps: list[float]) -> None:
    times = [sum(gaps[:n]) for n in range(len(gaps) + 1)]
    merged = merge_keyframes(times)
    assert merged[0] == 0
    assert set(merged) <= set(times)
    assert all(after - before <= LONGEST_S + 1e-6 for before, after in pairwise(merged))


@given(videos())
def test_fixed_segments_fit_their_stated_duration(video: VideoStream) -> None:
    grid = fixed_grid(Rate.of(output_rate(video)))
    assert round(grid.frames / float(output_rate(video))) <= grid.target_s


@given(sources())
def test_the_digest_tells_every_rung_source_and_version_apart(source: SourceDescription) -> None:
    rungs = plan(source).rungs
    digests = {rendition_digest("abc-1", 7, STANDARD, rung) for rung in rungs}
    assert len(digests) == len(rungs)
    rung = rungs[0]
    again = msgspec.json.decode(msgspec.json.encode(rung), type=Rung)
    assert rendition_digest('"abc-1"', 7, STANDARD, again) in digests
    newer = msgspec.structs.replace(STANDARD, version=STANDARD.version + 1)
    for other in (
        rendition_digest("abc-2", 7, STANDARD, rung),
        rendition_digest("abc-1", 8, STANDARD, rung),
        rendition_digest("abc-1", 7, newer, rung),
    ):
        assert other not in digests


@given(sources())
def test_planning_again_from_the_stored_description_gives_the_same(source: SourceDescription) -> None:
    stored = msgspec.json.decode(msgspec.json.encode(source), type=SourceDescription)
    assert plan(stored) == plan(source)
