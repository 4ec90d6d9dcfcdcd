"""``mcsp doctor``: looks for what keeps a stack from running, and says for each finding what to do.

A finding is made by a small check; ``examine`` runs them all. What does not belong here: mending anything.
"""

from collections.abc import Iterator

from deploy.context import Context
from deploy.doctor import installation, leftovers, machine, services
from deploy.doctor.finding import Finding

__all__ = ["Finding", "examine"]


def examine(context: Context) -> Iterator[Finding]:
    """All findings, the good ones too, so that one sees what was looked at."""
    yield from machine.check(context)
    yield from installation.check()
    yield from leftovers.check(context)
    yield from services.check(context)
