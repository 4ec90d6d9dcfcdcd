"""Promises of UUIDv7 (RFC 9562)."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from mcsp.ids import uuid7

MILLISECONDS = st.integers(min_value=0, max_value=(1 << 48) - 1)
RANDOM = st.binary(min_size=10, max_size=10)


@given(MILLISECONDS, RANDOM)
def test_version_and_variant_are_those_of_rfc_9562(now_ms: int, random: bytes) -> None:
    made = uuid7(now_ms=now_ms, random=random)
    assert made.version == 7
    assert made.variant == "specified in RFC 4122"


@given(MILLISECONDS, RANDOM)
def test_the_time_can_be_read_back(now_ms: int, random: bytes) -> None:
    assert uuid7(now_ms=now_ms, random=random).int >> 80 == now_ms


@given(MILLISECONDS, MILLISECONDS, RANDOM, RANDOM)
def test_an_earlier_id_sorts_first_as_number_and_as_text(a: int, b: int, x: bytes, y: bytes) -> None:
    if a == b:
        return
    first, second = uuid7(now_ms=min(a, b), random=x), uuid7(now_ms=max(a, b), random=y)
    assert first < second
    assert str(first) < str(second)


def test_many_ids_of_one_millisecond_differ() -> None:
    made = {uuid7(now_ms=1) for _ in range(10_000)}
    assert len(made) == 10_000
    assert all(isinstance(one, UUID) for one in made)
