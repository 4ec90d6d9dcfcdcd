"""Files that are either whole or not there."""

import os
import tempfile
from pathlib import Path


def write_atomically(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Replace ``path``; a reader sees the old content or the new one, also after a crash in between."""
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(descriptor, "wb") as out:
        os.fchmod(descriptor, mode)
        out.write(content)
    Path(draft).replace(path)


def remove_drafts(folder: Path) -> None:
    """Remove what ``write_atomically`` left where its process was killed in between."""
    for draft in folder.glob(".*-*"):
        draft.unlink(missing_ok=True)


def rotate(path: Path) -> None:
    """Move a log aside as ``….1``, taking the place of the one before."""
    if path.exists() and path.stat().st_size:
        path.replace(path.with_name(f"{path.name}.1"))


def last_lines(path: Path, count: int) -> list[str]:
    """The last lines of a log; none when there is no log. Reads at most 64 KiB."""
    if not path.exists():
        return []
    with path.open("rb") as log:
        log.seek(max(path.stat().st_size - 65_536, 0))
        return log.read().decode(errors="replace").splitlines()[-count:]
