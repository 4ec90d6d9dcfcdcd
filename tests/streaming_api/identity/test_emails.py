"""Promises of e-mail addresses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcsp.errors import InvalidInputError
from streaming_api.identity.emails import normalised


@given(st.emails())
def test_the_normal_form_of_a_normal_form_is_itself(address: str) -> None:
    try:
        once = normalised(address)
    except InvalidInputError:
        return  # quoted local parts and the like are not taken
    assert normalised(once) == once
    assert normalised(f" {once.upper()} ") == once


@pytest.mark.parametrize(
    ("given_address", "normal"),
    [
        ("Ann@Example.ORG", "ann@example.org"),
        ("ann+tag@example.org", "ann+tag@example.org"),
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ("ａnn@example.org", "ann@example.org"),
    ],
)
def test_case_width_and_unicode_domains_are_folded(given_address: str, normal: str) -> None:
    assert normalised(given_address) == normal


@pytest.mark.parametrize(
    "address",
    [
        "",
        "@",
        "ann",
        "ann@",
        "ann@@b.org",
        "@example.org",
        "ann@localhost",
        "a b@example.org",
        "a@b@example.org",
        ".a@b.org",
        "a..b@b.org",
        "a@-b.org",
        "a@b..org",
        "x" * 65 + "@example.org",
        "a@" + "b" * 64 + ".org",
        "a\0@b.org",
        "a@" + ".".join(["b" * 60] * 5) + ".org",
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(InvalidInputError):
        normalised(address)
