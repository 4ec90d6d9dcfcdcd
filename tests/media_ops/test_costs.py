"""No source that is allowed has work which cannot be finished: each job fits into its wall time."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some

from mcsp.errors import BadMediaError
from media_ops import sandbox
from media_ops.costs import LONGEST_JOB_S, cost_s
from media_ops.description import Rate, SourceDescription
from media_ops.inspect import MAX_DURATION_S
from media_ops.ladder import feasible_plan, plan
from tests.media_ops.items import AUDIO, DESCRIPTION, VIDEO, new_item

HOURS = 3600.0
PICTURES = [(640, 360), (1280, 720), (1920, 1080), (3840, 2160), (8192, 4320)]


def _source(hours: float, picture: tuple[int, int], rate: int, codec: str = "hevc") -> SourceDescription:
    """A source that cannot be packaged as it is, unless ``codec`` is h264."""
    width, height = picture
    video = msgspec.structs.replace(
        VIDEO, codec=codec, width=width, height=height, frame_rate=Rate(rate), nominal_rate=Rate(rate),
        bitrate=None,
    )  # fmt: skip
    return msgspec.structs.replace(
        DESCRIPTION, duration_s=hours * HOURS, video=(video,), audio=(AUDIO,), size=10**11, bitrate=None
    )


def test_the_longest_job_ends_well_before_its_wall_time() -> None:
    assert sandbox.WORK.wall_s > LONGEST_JOB_S


@given(
    some.floats(0.01, MAX_DURATION_S / HOURS),
    some.sampled_from(PICTURES),
    some.sampled_from([24, 30, 60]),
    some.sampled_from(["h264", "hevc"]),
)
def test_every_job_of_a_source_that_is_taken_fits_into_its_wall_time(
    hours: float, picture: tuple[int, int], rate: int, codec: str
) -> None:
    source = _source(hours, picture, rate, codec)
    planned = plan(source)
    if cost_s(source, planned.groups[0].rungs) > LONGEST_JOB_S:
        with pytest.raises(BadMediaError, match="so long"):
            feasible_plan(source)
        return
    assert feasible_plan(source) == planned
    assert all(cost_s(source, group.rungs) <= LONGEST_JOB_S for group in planned.groups)
    names = [rung.name for rung in planned.rungs]
    assert len(names) == len(set(names))
    assert not set(names) & set(planned.left_out)


def test_twelve_hours_of_1080p_keep_every_rung_in_more_jobs() -> None:
    planned = plan(_source(12, (1920, 1080), 30))
    assert planned.left_out == ()
    assert [[r.name for r in g.rungs] for g in planned.groups if g.kind == "encode" and not g.first] == [
        ["144p", "360p", "480p", "720p"],
        ["1080p"],
    ]


def test_an_hour_of_1080p_is_one_decode_for_all_that_is_not_needed_to_play() -> None:
    planned = plan(_source(1, (1920, 1080), 30))
    assert sum(g.kind == "encode" and not g.first for g in planned.groups) == 1


def test_twelve_hours_of_2160p_at_60_frames_leave_out_what_no_job_can_make_and_say_so() -> None:
    planned = plan(_source(12, (3840, 2160), 60))
    assert [rung.name for rung in planned.rungs if rung.kind == "video"] == ["240p", "144p", "360p", "480p"]
    assert planned.left_out == ("720p", "1080p", "1440p", "2160p")


def test_a_source_of_which_nothing_can_be_made_in_time_is_refused_with_a_card() -> None:
    with pytest.raises(BadMediaError) as refused:
        feasible_plan(_source(12, (8192, 4320), 60))
    assert refused.value.code == "too_demanding"
    assert "shorter parts" in refused.value.action


async def test_the_description_of_a_source_names_the_rungs_that_were_left_out(pool) -> None:
    source = _source(12, (3840, 2160), 60)
    item = await new_item(pool)
    await item.planned(plan(source), source)
    stored = await pool.fetchval("SELECT description -> 'left_out' FROM media_ops.source")
    assert stored == ["720p", "1080p", "1440p", "2160p"]
    longest = await pool.fetchval("SELECT max(cost_s) FROM media_ops.job")
    assert longest <= LONGEST_JOB_S
