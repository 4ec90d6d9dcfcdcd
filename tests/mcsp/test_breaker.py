"""Promises of the circuit breaker: it opens, tries again with one caller at a time, and closes."""

import pytest

from mcsp.breaker import Breaker


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(5, failures=3, clock=clock)


def _fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        breaker.failed()


def test_it_opens_after_failures_in_a_row_and_not_before(breaker: Breaker) -> None:
    _fail(breaker, 2)
    assert breaker.lets_through()
    breaker.failed()
    assert not breaker.lets_through()


def test_an_answer_in_between_begins_the_count_anew(breaker: Breaker) -> None:
    _fail(breaker, 2)
    breaker.answered()
    _fail(breaker, 2)
    assert breaker.lets_through()


def test_one_caller_tries_again_while_the_others_need_not_wait(breaker: Breaker, clock: Clock) -> None:
    _fail(breaker, 3)
    clock.now += 5
    assert [breaker.lets_through() for _ in range(4)] == [True, False, False, False]


def test_a_trial_that_fails_opens_it_again_and_one_that_is_answered_closes_it(
    breaker: Breaker, clock: Clock
) -> None:
    _fail(breaker, 3)
    clock.now += 5
    assert breaker.lets_through()
    breaker.failed()
    clock.now += 4.9
    assert not breaker.lets_through()
    clock.now += 0.1
    assert breaker.lets_through()
    breaker.answered()
    assert [breaker.lets_through() for _ in range(4)] == [True] * 4


def test_a_trial_of_which_nothing_was_heard_stops_nobody_for_ever(breaker: Breaker, clock: Clock) -> None:
    """Its caller may have been cancelled."""
    _fail(breaker, 3)
    clock.now += 5
    assert breaker.lets_through()
    clock.now += 5
    assert breaker.lets_through()
