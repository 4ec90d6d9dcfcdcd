"""What a check of ``mcsp doctor`` found."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """``about`` what, what was ``seen``; ``next_step`` is there when something is to be done about it."""

    about: str
    seen: str
    next_step: str = ""

    @property
    def good(self) -> bool:
        return not self.next_step
