"""What all runners and steps of one stack share: its children, its record of sessions, its logs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.supervisor.children import Children, Launch
from deploy.supervisor.service import RunCommand
from deploy.supervisor.sessions import MARK, Sessions


@dataclass(frozen=True)
class Surroundings:
    """What runners of one stack share."""

    home: Path
    children: Children
    sessions: Sessions
    log_of: Callable[[str], Path]
    changed: Callable[[], None]


def command_runner(name: str, around: Surroundings) -> RunCommand:
    """Runs helper commands of a service or step, into its log."""

    async def run(
        command: tuple[str, ...], environment: Mapping[str, str], *, named_user: bool = False
    ) -> None:
        marked = {**environment, MARK: str(around.home)}
        launch = Launch(command, marked, around.log_of(name), around.home, named_user=named_user)
        await around.children.run(launch)

    return run
