"""Promises about how pages say things."""

import json
from datetime import UTC, datetime, timedelta
from typing import get_args
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcsp.contracts.media import ItemStatus
from streaming_api.web import backend, words
from streaming_api.web.pages import watch_context

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, ""), (0, "0:00"), (7.4, "0:07"), (247, "4:07"), (3753, "1:02:33"), (360_000, "100:00:00")],
)
def test_a_length_reads_like_a_clock(seconds: float | None, text: str) -> None:
    assert words.clock(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "just now"), (59, "just now"), (60, "1 minute ago"), (7199, "1 hour ago"),
        (86_400 * 6, "6 days ago"), (86_400 * 8, "1 week ago"),
        (86_400 * 70, "2 months ago"), (86_400 * 800, "2 years ago"),
    ],
)  # fmt: skip
def test_an_age_is_told_in_one_unit(seconds: int, text: str) -> None:
    assert words.age(NOW - timedelta(seconds=seconds), NOW) == text


@given(st.integers(1, 20_000), st.integers(1, 20_000))
def test_every_picture_has_a_stage_of_its_shape(width: int, height: int) -> None:
    name = words.shape("video", width, height)
    assert name in ("", "wide", "four-three", "square", "tall")
    assert (name == "tall") == (width / height < 0.9)


def test_a_stage_without_a_known_picture_is_sixteen_to_nine() -> None:
    assert words.shape(None, None, None) == ""
    assert words.shape("audio", None, None) == "sound"


@pytest.mark.parametrize("status", get_args(ItemStatus))
def test_a_viewer_reads_something_exactly_where_nothing_plays(status: ItemStatus) -> None:
    said = words.on_stage(status)
    assert (said is None) == (status in ("playable", "ready"))
    if said is not None:
        assert said.heading
        assert said.text.endswith(".")
        assert said.working == (status in ("uploading", "inspecting", "processing"))


def test_the_watch_page_carries_the_names_of_the_picture_s_rungs() -> None:
    rungs = [
        backend.Rendition("240p", "video", "published", 640, 272),
        backend.Rendition("audio-64k", "audio", "published"),
    ]
    item = backend.Item(UUID(int=1), "A", "ready", "public", renditions=rungs)
    told = json.loads(watch_context(item, None, NOW)["rungs"])
    assert [(rung["name"], rung["width"], rung["height"]) for rung in told] == [("240p", 640, 272)]
