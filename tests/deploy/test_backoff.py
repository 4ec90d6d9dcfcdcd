"""Promises of the backoff: it never gives up, waits 5 s at most, and forgets after 10 s of health."""

from hypothesis import given
from hypothesis import strategies as st

from deploy.supervisor.backoff import FIRST_S, HEALTHY_FOR_S, LONGEST_S, Backoff


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@given(st.integers(min_value=1, max_value=5000))
def test_every_wait_is_positive_and_at_most_five_seconds(failures: int) -> None:
    backoff = Backoff(Clock())
    waits = [backoff.next_wait_s() for _ in range(failures)]
    assert all(0 < wait <= LONGEST_S for wait in waits)
    assert waits == sorted(waits)


def test_it_starts_again_from_the_beginning_after_ten_seconds_of_health() -> None:
    clock = Clock()
    backoff = Backoff(clock)
    for _ in range(20):
        backoff.next_wait_s()
    backoff.healthy()
    clock.now += HEALTHY_FOR_S
    assert backoff.next_wait_s() == FIRST_S


def test_a_short_health_does_not_make_it_forget() -> None:
    clock = Clock()
    backoff = Backoff(clock)
    for _ in range(20):
        backoff.next_wait_s()
    backoff.healthy()
    clock.now += HEALTHY_FOR_S - 0.1
    assert backoff.next_wait_s() == LONGEST_S


def test_health_is_counted_from_its_beginning_not_from_the_last_probe() -> None:
    clock = Clock()
    backoff = Backoff(clock)
    backoff.next_wait_s()
    for _ in range(6):
        backoff.healthy()
        clock.now += 2
    assert backoff.next_wait_s() == FIRST_S
