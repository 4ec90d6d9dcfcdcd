"""Media programs as confined child processes: limits, own session, no shell, gone with their parent.

A file from a stranger is read by ffmpeg and ffprobe; they get processor, memory, file and time limits,
an empty environment and a folder of their own, and may open nothing but the source's address through
real container formats. What does not belong here: what is asked of them.
"""

import asyncio
import contextlib
import ctypes
import os
import resource
import signal
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import msgspec

from media_ops import priority
from media_ops.failures import transient

GIB = 1 << 30
_PR_SET_PDEATHSIG = 1
_LOG_LINES = 2000

PROTOCOLS = "http,tcp"
"""What a source may be read through: our own gate. ``file`` is absent: a crafted file can name no path."""

DEMUXERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,avi,flv,ogg,wav,w64,mp3,flac,aac,ac3,eac3,gif,asf,mxf,"
    "aiff,caf,amr,dv,wv,tta,ape,au,rm"
)
"""Containers that hold their own media. Absent on purpose: whatever opens further addresses or reads
scripts (hls, dash, concat, image2, sdp, rtsp, lavfi, subtitles…)."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of one process: seconds of processor and wall time, bytes of memory and of a written file."""

    cpu_s: int
    wall_s: float
    memory_bytes: int = 6 * GIB
    file_bytes: int = 256 << 20
    open_files: int = 256


PROBE = Limits(cpu_s=20, wall_s=30, memory_bytes=2 * GIB, file_bytes=0)
WORK = Limits(cpu_s=48 * 3600, wall_s=24 * 3600)


def input_options() -> dict[str, str]:
    """Options that stand before ``-i`` wherever a stranger's file is opened.

    ``multiple_requests``: without it ffmpeg reuses a connection that it asked to be closed.
    """
    return {"protocol_whitelist": PROTOCOLS, "format_whitelist": DEMUXERS, "multiple_requests": "1"}


def _confine(limits: Limits, nice: int) -> Callable[[], None]:
    """What the child does between fork and exec; everything it needs is looked up beforehand."""
    prctl, parent, setrlimit = ctypes.CDLL(None).prctl, os.getpid(), resource.setrlimit
    table = (
        (resource.RLIMIT_CPU, (limits.cpu_s, limits.cpu_s + 5)),
        (resource.RLIMIT_AS, (limits.memory_bytes, limits.memory_bytes)),
        (resource.RLIMIT_FSIZE, (limits.file_bytes, limits.file_bytes)),
        (resource.RLIMIT_NOFILE, (limits.open_files, limits.open_files)),
        (resource.RLIMIT_CORE, (0, 0)),
    )

    def confine() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # the parent died before the line above took hold
            os._exit(127)
        for what, value in table:
            setrlimit(what, value)
        os.nice(nice)

    return confine


class Child:
    """A running program: its process and the last lines it wrote to stderr."""

    def __init__(self, process: asyncio.subprocess.Process, log: "asyncio.Task[str]") -> None:
        self.process, self._log = process, log

    async def finish(self) -> tuple[int, str]:
        """Its exit status and log, once it has ended."""
        returncode = await self.process.wait()
        return returncode, await self._log


async def _collect(stream: asyncio.StreamReader) -> str:
    lines: deque[str] = deque(maxlen=_LOG_LINES)
    pending = b""
    while chunk := await stream.read(1 << 16):
        *whole, pending = (pending + chunk).split(b"\n")
        lines.extend(line.decode("utf-8", "replace") for line in whole)
        pending = pending[-4096:]
    lines.append(pending.decode("utf-8", "replace"))
    return "\n".join(lines)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kills the whole process group and waits until it is gone; a group that already left is fine.

    What it had written is read away: asyncio does not see the end of a process while a full pipe waits.
    """
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    while process.stdout is not None and await process.stdout.read(1 << 16):
        continue
    await process.wait()


@contextlib.asynccontextmanager
async def start(
    argv: Sequence[str], *, limits: Limits, scratch: Path, nice: int = 0, pass_fds: Sequence[int] = ()
) -> AsyncIterator[Child]:
    """Runs a program for the length of the block; leaving it in any way kills the process group.

    ``argv`` goes to exec as it is, never through a shell. The environment is empty but for paths in
    ``scratch``. Must be called on the thread that lives as long as the program (the death signal of
    Linux follows the thread that spawned).
    """
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(scratch), "TMPDIR": str(scratch), "LC_ALL": "C"}
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=scratch,
        env=environment,
        pass_fds=pass_fds,
        start_new_session=True,
        preexec_fn=_confine(limits, nice),
    )
    if process.stderr is None:
        raise RuntimeError("a child started with a stderr pipe has none")
    log = asyncio.create_task(_collect(process.stderr))
    lowering = asyncio.create_task(priority.lower(process.pid, nice)) if nice else None
    try:
        yield Child(process, log)
    finally:
        if lowering:
            lowering.cancel()
        await asyncio.shield(_end(process))
        await log


async def run(
    argv: Sequence[str], *, limits: Limits, scratch: Path, nice: int = 0, most_bytes: int = 64 << 20
) -> tuple[int, bytes, str]:
    """Runs a program to its end: exit status, stdout (``most_bytes`` at most), stderr's last lines.

    Raises TransientWorkError ``limit_time`` past the wall time and ``limit_output`` past ``most_bytes``.
    """
    try:
        async with (
            asyncio.timeout(limits.wall_s),
            start(argv, limits=limits, scratch=scratch, nice=nice) as child,
        ):
            if child.process.stdout is None:
                raise RuntimeError("a child started with a stdout pipe has none")
            output = bytearray()
            while chunk := await child.process.stdout.read(1 << 18):
                output += chunk
                if len(output) > most_bytes:
                    raise transient("limit_output", f"The media process wrote more than {most_bytes} bytes.")
            returncode, log = await child.finish()
    except TimeoutError:
        raise transient("limit_time", f"The media process took longer than {limits.wall_s:.0f} s.") from None
    return returncode, bytes(output), log
