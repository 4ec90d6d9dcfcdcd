"""Looks at an hour that take longer than a tick: none is forgotten, and what changes behind one is seen."""

from datetime import UTC, datetime

import pytest

from assets.partitions import key_of
from media_ops.integrity import Looked
from orchestration.lifecycle import Cursor
from orchestration.looks import Look, with_news

HOUR = datetime(2025, 4, 1, 9, tzinfo=UTC)
KEY = key_of(HOUR)
HALF, WHOLE = Looked(5, (), until="x"), Looked(9, ())


@pytest.mark.parametrize(
    ("look", "looked", "left"),
    [
        (Look(), HALF, Look(HALF)),
        (Look(HALF), WHOLE, None),
        (Look(HALF, again=True), Looked(8, (), until="y"), Look(Looked(8, (), until="y"), again=True)),
        (Look(HALF, again=True), WHOLE, Look()),
    ],
)
def test_a_look_is_over_at_the_end_of_the_hour_unless_something_changed_behind_it(
    look: Look, looked: Looked, left: Look | None
) -> None:
    assert look.after(looked) == left


def test_news_of_packages_begin_a_look_and_leave_one_under_way_where_it_is() -> None:
    assert with_news({}, [("packages", HOUR), ("renditions", HOUR)]) == {KEY: Look()}
    assert with_news({KEY: Look(HALF)}, [("packages", HOUR)]) == {KEY: Look(HALF, again=True)}
    assert with_news({KEY: Look()}, [("packages", HOUR)]) == {KEY: Look()}
    assert with_news({KEY: Look(HALF)}, [("sources", HOUR)]) == {KEY: Look(HALF)}


def test_looks_survive_in_the_cursor_and_a_cursor_of_before_is_understood() -> None:
    cursor = Cursor({0: 7}, [("packages", HOUR)], {KEY: Look(HALF)})
    assert Cursor.parse(str(cursor)) == cursor
    assert Cursor.parse('{"offsets":{"0":7}}') == Cursor({0: 7})
