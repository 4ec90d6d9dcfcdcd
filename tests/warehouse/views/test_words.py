"""What people read about the rule is what the code does: the words stand in one place."""

from pathlib import Path

import pytest

from warehouse.views.rule import WORDS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "metrics.md"


@pytest.mark.parametrize("version", WORDS)
def test_the_page_of_metrics_says_each_sentence_of_the_rule(version: int) -> None:
    text = PAGE.read_text()
    assert [sentence for sentence in WORDS[version] if sentence not in text] == []
    assert f"Version {version}" in text
