"""`python3.11 -m deploy.setup`: brings the working tree to the state that the lock files describe.
`python3.11 -m deploy.setup lock [--upgrade]` writes the lock files instead."""

import fcntl
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from deploy.setup import commands, locking, machine, schedule
from deploy.setup.errors import SetupError
from deploy.setup.places import LOGS

INTERRUPTED = "setup: interrupted. Next: run `make setup` again; it goes on where it stopped."


def main(arguments: list[str]) -> int:
    """Gives the exit status: 0 done, 1 failed (one line says why), 130 interrupted."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        machine.check_interpreter()
        machine.check_platform()
        machine.check_folder()
        with _alone():
            if arguments[:1] == ["lock"]:
                locking.lock_all(upgrade="--upgrade" in arguments)
            else:
                _set_up()
    except SetupError as error:
        print(error.line(), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        commands.stop_all()
        print(INTERRUPTED, file=sys.stderr)
        return 130
    except OSError as error:
        print(_os_error(error).line(), file=sys.stderr)
        return 1
    return 0


def _set_up() -> None:
    began = time.monotonic()
    done = schedule.run_all(machine.check_space)
    said = "nothing to do" if not done else f"{len(done)} steps"
    print(f"setup: ready ({said}, {time.monotonic() - began:.1f} s)")


@contextmanager
def _alone() -> Iterator[None]:
    """Waits until no other set-up works on this tree."""
    LOGS.mkdir(parents=True, exist_ok=True)
    with (LOGS / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("setup: another set-up is working on this folder; waiting for it to end.", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        commands.KEPT_OPEN.append(file.fileno())
        yield


def _os_error(error: OSError) -> SetupError:
    return commands.explain("files", ["setup"], error.errno or 1, f"{error}", LOGS)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
