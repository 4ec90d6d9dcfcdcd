"""Looks at the packages of an hour that take longer than a tick: where each is, from tick to tick.

They live in the sensor's cursor. What does not belong here: looking (``assets.hours``).
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from assets.hours import UNSEEN, Looked
from assets.partitions import Stage, key_of

LOOK_S = 15.0
"""Seconds of a tick for looking packages up, shared by the hours whose turn it is. A tick is ended by
Dagster after 60 s, and reading and reporting have theirs too."""

MOST_GOING_ON = 10
"""Hours without news whose look goes on in one tick: each takes the eight packages that are a portion at
least, whatever its share of the seconds."""


class Look(msgspec.Struct, frozen=True):
    """How far the look at an hour's packages is. ``again``: something behind it changed meanwhile."""

    looked: Looked = UNSEEN
    again: bool = False

    def after(self, looked: Looked) -> "Look | None":
        """The same after a further portion; None when it is through and need not be repeated."""
        if looked.until:
            return Look(looked, self.again)
        return Look() if self.again else None


def with_news(looks: Mapping[str, Look], changed: Iterable[tuple[Stage, datetime]]) -> dict[str, Look]:
    """The looks under way and one for each hour whose packages changed, by partition key."""
    wanted = dict(looks)
    for key in (key_of(hour) for stage, hour in changed if stage == "packages"):
        under_way = key in wanted and wanted[key].looked.until
        wanted[key] = Look(wanted[key].looked, again=True) if under_way else Look()
    return wanted
