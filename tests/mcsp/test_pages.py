"""Promises of cursors and pages."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcsp.errors import InvalidInputError
from mcsp.ids import uuid7
from mcsp.pages import decode_cursor, encode_cursor, page_of


class Position(msgspec.Struct, frozen=True):
    at: datetime
    id: UUID


@given(st.datetimes(timezones=st.just(UTC)), st.uuids())
def test_a_cursor_comes_back_as_it_went(at: datetime, id_: UUID) -> None:
    position = Position(at, id_)
    assert decode_cursor("feed", Position, encode_cursor("feed", position)) == position


@given(st.text(max_size=200))
def test_any_other_text_is_refused_and_never_a_fault(text: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        decode_cursor("feed", Position, text)
    assert refused.value.code == "bad_cursor"


def test_a_cursor_of_another_list_is_refused() -> None:
    cursor = encode_cursor("feed", Position(datetime.now(UTC), uuid7()))
    with pytest.raises(InvalidInputError):
        decode_cursor("uploads", Position, cursor)


@given(st.integers(min_value=0, max_value=60))
def test_a_changed_cursor_is_refused(at: int) -> None:
    cursor = encode_cursor("feed", Position(datetime.now(UTC), uuid7()))
    at %= len(cursor)
    changed = cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1 :]
    with pytest.raises(InvalidInputError):
        decode_cursor("feed", Position, changed)


def test_no_cursor_is_the_first_page() -> None:
    assert decode_cursor("feed", Position, None) is None


def test_the_last_page_has_no_next() -> None:
    rows = [Position(datetime.now(UTC), uuid7()) for _ in range(5)]
    page = page_of(rows, 5, "feed", lambda row: row)
    assert page.next is None
    assert page.items == rows


def test_one_row_more_than_the_limit_leads_on_from_the_last_shown() -> None:
    rows = [Position(datetime.now(UTC), uuid7()) for _ in range(5)]
    page = page_of(rows, 4, "feed", lambda row: row)
    assert page.items == rows[:4]
    assert decode_cursor("feed", Position, page.next) == rows[3]
