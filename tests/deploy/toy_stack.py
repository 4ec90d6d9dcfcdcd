"""A supervisor over toy services, run as a process of its own: ``python -m tests.deploy.toy_stack FOLDER``.

The services are small scripts that misbehave in one way each; tests watch the state file and the marks that
the scripts leave in FOLDER.
"""

import asyncio
import os
import signal
import sys
from pathlib import Path

from deploy.supervisor.children import Children
from deploy.supervisor.service import NotReadyError, RunCommand, Service, Step, Unit
from deploy.supervisor.sessions import Sessions
from deploy.supervisor.state import StackState
from deploy.supervisor.supervisor import Supervisor
from deploy.supervisor.surroundings import Surroundings

STEADY = """
import pathlib, signal, sys
folder, name = pathlib.Path(sys.argv[1]), sys.argv[2]
def end(number, frame):
    with (folder / "ended").open("a") as marks:
        marks.write(name + "\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
(folder / (name + ".up")).touch()
while True:
    signal.pause()
"""

FLAKY = """
import pathlib, signal, sys
folder, name = pathlib.Path(sys.argv[1]), sys.argv[2]
with (folder / "starts").open("a") as marks:
    marks.write(".")
if len((folder / "starts").read_text()) <= 6:
    sys.exit(3)
(folder / (name + ".up")).touch()
signal.pause()
"""

PARENT = """
import pathlib, signal, subprocess, sys
folder, name = pathlib.Path(sys.argv[1]), sys.argv[2]
stray = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], start_new_session=True)
(folder / "stray.pid").write_text(str(stray.pid))
(folder / (name + ".up")).touch()
signal.pause()
"""


def _service(folder: Path, name: str, script: str, *needs: str) -> Service:
    async def is_up() -> None:
        if not (folder / f"{name}.up").exists():
            raise NotReadyError("not up yet")

    async def forget(_run: RunCommand) -> None:
        (folder / f"{name}.up").unlink(missing_ok=True)

    command = (sys.executable, "-c", script, str(folder), name)
    return Service(name, command, is_up, dict(os.environ), needs=needs, prepare=forget)


def units(folder: Path) -> list[Unit]:
    """base ← step ← dependent; flaky; parent."""

    async def leave_mark(_run: RunCommand) -> None:
        (folder / "step").touch()

    return [
        _service(folder, "base", STEADY),
        Step("step", leave_mark, needs=("base",)),
        _service(folder, "dependent", STEADY, "step"),
        _service(folder, "flaky", FLAKY),
        _service(folder, "parent", PARENT),
    ]


async def main(folder: Path) -> None:
    stop, state = asyncio.Event(), StackState(os.getpid(), 0)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    supervisor: Supervisor
    around = Surroundings(
        folder,
        Children(),
        Sessions(folder / "sessions.json", folder),
        lambda name: folder / f"{name}.log",
        lambda: supervisor.write_state(),
    )
    supervisor = Supervisor(around, state, folder / "state.json")
    supervisor.add(units(folder))
    await stop.wait()
    await supervisor.stop()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
