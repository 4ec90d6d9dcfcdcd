"""How many jobs of which purpose a slot runs at once, and which one makes way where that is too many.

Pure arithmetic over what runs. What does not belong here: leasing and running (``slots``, ``attempt``).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from media_ops.ledger.leases import PURPOSES, Purpose


class Running(Protocol):
    """A job at work, as far as its place goes. ``began``: seconds of a clock."""

    @property
    def purpose(self) -> Purpose: ...
    @property
    def began(self) -> float: ...


R = TypeVar("R", bound=Running)


@dataclass(frozen=True)
class Places:
    """Bounds of one worker. An opening job that has its item play counts as growing from then on.

    ``opening``, ``growing``, ``errand`` say how many of each are begun; ``makers`` bounds opening and growing
    ones together, and so the media processes that hold memory. Where ``makes_way``, an opening job that finds
    all of these taken has the growing job that has worked least give its lease back: what an item needs in
    order to play never waits for what plays already.
    """

    opening: int
    growing: int
    errand: int
    makers: int
    makes_way: bool = False

    def free(self, running: Iterable[Running]) -> tuple[Purpose, ...]:
        """The purposes for which another job may begin."""
        count = Counter(job.purpose for job in running)
        makers = count["opening"] + count["growing"]
        room = makers < self.makers
        allowed: dict[Purpose, bool] = {
            "opening": count["opening"] < self.opening and (room or self.makes_way),
            "growing": count["growing"] < self.growing and room,
            "errand": count["errand"] < self.errand,
        }
        return tuple(purpose for purpose in PURPOSES if allowed[purpose])

    def in_the_way(self, running: Sequence[R]) -> R | None:
        """The job that has to make way now that one too many is at work; None while all have room."""
        makers = [job for job in running if job.purpose != "errand"]
        growing = [job for job in makers if job.purpose == "growing"]
        if not self.makes_way or len(makers) <= self.makers or not growing:
            return None
        return max(growing, key=lambda job: job.began)


QUICK = Places(opening=4, growing=6, errand=2, makers=10, makes_way=True)
"""A dozen at most, each with a media process, and one more while a job that makes way is ended."""
ENCODE = Places(opening=1, growing=1, errand=1, makers=1)
