"""Promise of ``deploy.programs``: finding the servers says nothing that people would have to read past."""

import os
import subprocess
import sys
from pathlib import Path

from deploy import programs


def test_finding_postgres_warns_of_nothing_where_the_session_has_no_runtime_folder() -> None:
    """The wheel's own module asks for one and warns of RuntimeDirWarning; it is not imported for a path."""
    script = "from deploy import programs; print(programs.postgres('postgres'))"
    env = {name: value for name, value in os.environ.items() if name != "XDG_RUNTIME_DIR"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env=env | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert Path(done.stdout.strip()) == Path(programs.postgres("postgres"))
    assert os.access(done.stdout.strip(), os.X_OK)
