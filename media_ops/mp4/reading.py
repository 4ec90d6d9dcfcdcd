"""Finds the index of an MP4 over HTTP ranges and has a confined process read it.

Our own process only looks at headers of top boxes. What does not belong here: what an index says (``index``).
"""

import signal
import sys
from pathlib import Path

import msgspec

from media_ops import sandbox
from media_ops.failures import bad_media, of_process
from media_ops.mp4.boxes import MalformedBoxError, header
from media_ops.mp4.confined import Answer
from media_ops.mp4.index import FileIndex
from media_ops.ranges import RangeReader

MAX_INDEX_BYTES = 96 << 20
"""Twelve hours at 60 frames a second with sound come to about 76 MiB where every sample is a chunk."""
MAX_TOP_BOXES = 1000
LIMITS = sandbox.Limits(cpu_s=20, wall_s=60, memory_bytes=1 << 30, file_bytes=0)
"""The largest honest index takes 5 s and 300 MiB."""
_START = (
    "import sys; sys.path.insert(0, sys.argv[1]); from media_ops.mp4.confined import main; main(sys.argv[2])"
)
_ROOT = str(Path(__file__).parents[2])
PROGRAM = (sys.executable, "-I", "-S", "-B", "-c", _START, _ROOT)
"""Without ``site``: what the environment has installed takes longer to find than most indexes to read."""


async def read_index(reader: RangeReader, folder: Path) -> FileIndex:
    """The index of an MP4. ``folder`` is for the process that reads it.

    BadMediaError ``index_missing``, ``index_too_large``, ``source_truncated``, ``source_damaged`` or
    ``too_many_streams``; TransientWorkError.
    """
    offset, size = await _find(reader)
    if size > MAX_INDEX_BYTES:
        raise bad_media("index_too_large", index_bytes=size)
    moov = folder / "moov"
    await reader.save(offset, size, moov)
    returncode, said, log = await sandbox.run([*PROGRAM, str(moov)], limits=LIMITS, scratch=folder)
    if returncode == -signal.SIGXCPU or "MemoryError" in log:
        raise bad_media(
            "source_damaged", log=log[-2000:]
        )  # the limits fit what is honest: no use in repeating
    if returncode != 0:
        raise of_process(log, returncode)
    answer = msgspec.json.decode(said, type=Answer)
    if answer.index is None:
        raise bad_media(answer.refused, reason=answer.reason)
    return answer.index


async def _find(reader: RangeReader) -> tuple[int, int]:
    """Where ``moov`` begins and how long it is; the file holds all of what its top boxes claim."""
    found: tuple[int, int] | None = None
    offset = beyond = 0
    for _ in range(MAX_TOP_BOXES):
        if offset >= reader.size:
            break
        kind, size = await _top_box(reader, offset)
        if offset + size > reader.size:
            beyond = offset + size
        elif kind == "moov":
            found = offset, size
        elif kind == "moof":
            break
        offset += size
    if found is None:
        raise bad_media("index_missing")
    if beyond:
        raise bad_media("source_truncated", claimed=beyond, size=reader.size)
    return found


async def _top_box(reader: RangeReader, offset: int) -> tuple[str, int]:
    try:
        kind, head, size = header(await reader.read(offset, 16), 0)
    except MalformedBoxError:
        return "", reader.size - offset
    if size == 0:
        size = reader.size - offset
    if size < head:
        raise bad_media("source_damaged", at=offset)
    return kind, size
