"""Laws of a slot's places: an opening job never waits for a growing one, and no bound is passed."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from media_ops.ledger.leases import PURPOSES, Purpose
from media_ops.worker.places import ENCODE, QUICK, Places


@dataclass
class Job:
    purpose: Purpose
    began: float


def _begin(places: Places, running: list[Job], purpose: Purpose) -> bool:
    """As the slot does: begin a job where there is room, and have the one that is in the way leave."""
    if purpose not in places.free(running):
        return False
    running.append(Job(purpose, float(len(running))))
    if (last := places.in_the_way(running)) is not None:
        running.remove(last)
    return True


STEPS = st.lists(st.sampled_from([*PURPOSES, "plays"]))


@given(STEPS)
def test_a_slot_stays_within_its_bounds_and_openings_wait_for_openings_alone(steps: list[str]) -> None:
    running: list[Job] = []
    for step in steps:
        opening = [job for job in running if job.purpose == "opening"]
        if step == "plays":
            for job in opening[:1]:
                job.purpose = "growing"
            continue
        begun = _begin(QUICK, running, next(purpose for purpose in PURPOSES if purpose == step))
        if step == "opening":
            assert begun == (len(opening) < QUICK.opening)
        makers = [job for job in running if job.purpose != "errand"]
        assert len(makers) <= QUICK.makers
        assert len(running) - len(makers) <= QUICK.errand


def test_the_job_that_has_worked_least_makes_way() -> None:
    running = [Job("growing", float(second)) for second in range(QUICK.makers)]
    assert _begin(QUICK, running, "opening")
    assert [job.began for job in running[:-1]] == [float(second) for second in range(QUICK.makers - 1)]
    assert running[-1].purpose == "opening"


def test_an_encode_makes_way_for_nothing() -> None:
    running = [Job("growing", 0.0)]
    assert not _begin(ENCODE, running, "opening")
    assert ENCODE.in_the_way(running) is None
