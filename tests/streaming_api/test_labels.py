"""Promises about titles: what they may hold, and that one cannot pass for another."""

import pytest

from mcsp.errors import InvalidInputError
from streaming_api.labels import checked_title


@pytest.mark.parametrize("turning", [chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))])
def test_a_title_cannot_turn_the_text_around(turning: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        checked_title(f"holiday{turning}4pm.exe")
    assert (refused.value.code, "turn the text" in refused.value.message) == ("bad_title", True)


@pytest.mark.parametrize("title", ["שלום MCSP", "مرحبا\u200f!", "क्\u200dष", "👩\u200d💻"])
def test_titles_of_every_script_pass(title: str) -> None:
    assert checked_title(title) == title
