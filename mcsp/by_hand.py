"""Settings of a command that a person starts: what the environment lacks, the stack of ``MCSP_HOME`` says.

A room that runs a stack offers a function ``(settings, role) -> variables`` under the entry point group
``mcsp.environments``. What does not belong here: processes of the stack, which are given their variables.
"""

import os
from collections.abc import Callable

from mcsp.plugins import offered
from mcsp.settings import Settings, settings

GROUP = "mcsp.environments"


def settings_for(role: str, database_role: str) -> Settings:
    """The settings of this process; where they have no DSN of ``database_role``, those of ``role`` in the
    local stack. Raises KeyError with the variable to set where there is none either."""
    completed = settings_with(role, lambda found: database_role in found.dsn)
    completed.dsn_of(database_role)
    return completed


def settings_with(role: str, suffices: Callable[[Settings], bool]) -> Settings:
    """The settings of this process where they suffice, else completed by those of ``role`` in the stack."""
    found = settings()
    if suffices(found):
        return found
    for point in offered(GROUP).values():
        for name, value in point.load()(found, role).items():
            os.environ.setdefault(name, value)
    return Settings()
