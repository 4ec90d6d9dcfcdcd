"""The files that pages load: our own (``static/``) and those from npm (``assets/``, made by set-up).

All of them are read once at start and served from memory under ``/static/{digest}/…``; the digest covers
every byte, so a browser may keep them for good and a new build has new addresses. What does not belong
here: templates, and anything that depends on the caller.
"""

import gzip
import hashlib
import mimetypes
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated

from litestar import Response, get
from litestar.params import FromPath, HeaderParameter

from mcsp.errors import NotFoundError

ROOM = Path(__file__).parent
FOR_GOOD = "public, max-age=31536000, immutable"
OTHER_BUILD = "public, max-age=60"
_TYPES = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".woff2": "font/woff2",
    ".svg": "image/svg+xml",
}
AcceptEncoding = Annotated[str, HeaderParameter(name="Accept-Encoding", required=False)]
_PACKABLE = {"text/javascript", "text/css", "image/svg+xml", "application/json"}


@dataclass(frozen=True)
class StaticFile:
    """One file: its bytes as they are and, where it pays, packed with gzip."""

    content_type: str
    plain: bytes
    packed: bytes | None


@dataclass(frozen=True)
class StaticFiles:
    """All files by their path below ``/static/{digest}/``."""

    digest: str
    files: dict[str, StaticFile]

    def url(self, path: str) -> str:
        """The address of a file, for templates. A file that set-up has not brought yet has one too."""
        return f"/static/{self.digest}/{path}"


@cache
def load() -> StaticFiles:
    """Reads every file, once a process, and makes the digest of all."""
    files = {path.relative_to(ROOM / "static").as_posix(): path for path in _below(ROOM / "static")}
    files |= {path.relative_to(ROOM).as_posix(): path for path in _below(ROOM / "assets")}
    found = {name: _read(path) for name, path in sorted(files.items())}
    whole = hashlib.sha256()
    for name, file in found.items():
        whole.update(name.encode() + b"\0" + hashlib.sha256(file.plain).digest())
    return StaticFiles(whole.hexdigest()[:12], found)


@get("/static/{digest:str}/{path:path}", include_in_schema=False, sync_to_thread=False, name="static-file")
def serve(
    digest: FromPath[str], path: FromPath[str], accept_encoding: AcceptEncoding = ""
) -> Response[bytes]:
    """A file; from another build's address it is given as well, but not to be kept."""
    static = load()
    file = static.files.get(path.lstrip("/"))
    if file is None:
        raise NotFoundError("no_such_file", "There is no such file.", action="Load the page again.")
    packed = file.packed if "gzip" in accept_encoding else None
    headers = {
        "Cache-Control": FOR_GOOD if digest == static.digest else OTHER_BUILD,
        "Vary": "Accept-Encoding",
    }
    if packed is not None:
        headers["Content-Encoding"] = "gzip"
    return Response(file.plain if packed is None else packed, media_type=file.content_type, headers=headers)


def _below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []


def _read(path: Path) -> StaticFile:
    content = path.read_bytes()
    guess = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    packed = gzip.compress(content, 6, mtime=0) if guess in _PACKABLE and len(content) > 1024 else None
    return StaticFile(guess, content, packed)
