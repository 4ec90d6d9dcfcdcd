"""Promises of the test suite itself: without a browser it does not pass in silence."""

from pathlib import Path

import pytest

from tests.browser import chrome


def test_where_the_browser_is_missing_its_tests_fail(tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match="make setup"):
        chrome.executable(tmp_path, {})
    with pytest.raises(pytest.fail.Exception, match=chrome.WITHOUT):
        chrome.executable(tmp_path, {chrome.WITHOUT: "0"})


def test_they_are_left_out_where_a_variable_says_so(tmp_path: Path) -> None:
    with pytest.raises(pytest.skip.Exception, match=chrome.WITHOUT):
        chrome.executable(tmp_path, {chrome.WITHOUT: "1"})


def test_a_browser_that_is_there_is_used_whatever_the_variable_says(tmp_path: Path) -> None:
    (tmp_path / "chrome").touch()
    assert chrome.executable(tmp_path, {chrome.WITHOUT: "1"}) == tmp_path / "chrome"
