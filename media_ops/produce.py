"""Making rungs: one ffmpeg, a pipe a rung, segments as they come. No polling, no media on disk.

ffmpeg waits when we do not read, we do not read when the caller does not take: back-pressure from the
object store to the decoder. What does not belong here: storing and counting (the worker's), arguments
(``commands``), where segments begin (``grid``).
"""

import asyncio
import contextlib
import fcntl
import os
import struct
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from media_ops import sandbox
from media_ops.commands import command
from media_ops.description import SourceDescription
from media_ops.failures import bad_media, of_process, transient
from media_ops.gate import PATIENCE_S, open_gate
from media_ops.grid import Cutter, cutter
from media_ops.loudness import loudness_of
from media_ops.mp4.boxes import CutShortError, MalformedBoxError
from media_ops.mp4.codecs import codecs_of
from media_ops.mp4.fragments import Fragment, InitBoxes, read_fragments, timescale_of
from media_ops.output import Init, Output, Segment
from media_ops.recipes import Grid, Rung

READ_LIMIT = 4 << 20
PIPE_BYTES = 1 << 20
WAITING = 2
"""Outputs that wait for the caller at most; every one may be some megabytes."""


async def produce(
    url: str,
    source: SourceDescription,
    grid: Grid,
    rungs: Sequence[Rung],
    *,
    scratch: Path,
    nice: int = 0,
    limits: sandbox.Limits = sandbox.WORK,
    loudness: bool = False,
    patience_s: float = PATIENCE_S,
    started: Callable[[int], None] | None = None,
) -> AsyncGenerator[Output, None]:
    """Makes ``rungs`` from one decode of ``url``: an ``Init`` of each, ``Segment`` after ``Segment``.

    Of one rung they come in order, of several interleaved; ``Loudness`` comes last where asked for. The
    same call gives the same segments, so a caller skips what it has. The last segment of a rung comes
    only when the whole source was read without loss. A rung whose stream holds nothing has no segments;
    where that is so for all, BadMediaError ``source_damaged`` is raised. Raises BadMediaError for what
    the file does and TransientWorkError for what is around it. Closing the iterator (``aclosing``) or
    cancelling its task kills the process and waits until it is gone. ``started`` is told the id of the
    process group once it runs.
    """
    work = _Work(source, grid, tuple(rungs), scratch, nice, limits, loudness, started)
    maker = asyncio.create_task(_make(work, url, patience_s))
    try:
        while (item := await _next(work.queue, maker)) is not None:
            yield item
    finally:
        maker.cancel()
        await asyncio.wait((maker,))


async def _next(queue: "asyncio.Queue[Output | None]", maker: "asyncio.Task[None]") -> Output | None:
    """The next output; None at the end; the maker's error as soon as it has one."""
    taken = asyncio.ensure_future(queue.get())
    try:
        await asyncio.wait((taken, maker), return_when=asyncio.FIRST_COMPLETED)
        if not taken.done() and maker.done():
            maker.result()
        return await taken
    finally:
        taken.cancel()


@dataclass
class _Work:
    """One run of ffmpeg: what it makes, under which limits, and where the outputs go."""

    source: SourceDescription
    grid: Grid
    rungs: tuple[Rung, ...]
    scratch: Path
    nice: int
    limits: sandbox.Limits
    loudness: bool
    started: Callable[[int], None] | None = None
    queue: "asyncio.Queue[Output | None]" = field(default_factory=lambda: asyncio.Queue(maxsize=WAITING))


async def _make(work: _Work, url: str, patience_s: float) -> None:
    try:
        async with (
            asyncio.timeout(work.limits.wall_s),
            open_gate(url, work.source.size, patience_s=patience_s) as gate,
        ):
            await gate.guard(_run(work, gate.url))
    except TimeoutError:
        raise transient("limit_time", f"The work took longer than {work.limits.wall_s:.0f} s.") from None
    await work.queue.put(None)


async def _run(work: _Work, url: str) -> None:
    """Runs ffmpeg and hands on what it writes; what it wrote last only once it is known to be whole."""
    with contextlib.ExitStack() as pipes:
        ends = [_pipe(pipes) for _ in work.rungs]
        outputs = {write.fileno(): rung for (_, write), rung in zip(ends, work.rungs, strict=True)}
        argv = command(url, work.source, work.grid, outputs, loudness=work.loudness)
        async with sandbox.start(
            argv, limits=work.limits, scratch=work.scratch, nice=work.nice, pass_fds=tuple(outputs)
        ) as child:
            if work.started:
                work.started(child.process.pid)
            for _, write in ends:
                write.close()
            readers = [await _reader(read, pipes) for read, _ in ends]
            held = await _pump_all(work, readers)
            returncode, log = await child.finish()
    await _conclude(work, held, returncode, log)


async def _conclude(
    work: _Work, held: "list[Segment | CutShortError | None]", returncode: int, log: str
) -> None:
    """Judges the run; hands on the last segments of a good one."""
    if returncode != 0:
        raise of_process(log, returncode)
    for outcome in held:
        if isinstance(outcome, CutShortError):
            raise transient("output_malformed", str(outcome), log=log[-2000:]) from outcome
    last = [outcome for outcome in held if isinstance(outcome, Segment)]
    if not last and work.rungs:
        raise bad_media("source_damaged", log=log[-2000:])
    for segment in last:
        await work.queue.put(segment)
    if work.loudness and (measured := loudness_of(log)):
        await work.queue.put(measured)


async def _pump_all(
    work: _Work, readers: Sequence[asyncio.StreamReader]
) -> "list[Segment | CutShortError | None]":
    """What each pipe gave last, once all have ended; the first that cannot be read on ends the others.

    The caller then kills ffmpeg: it would wait for ever for a reader of that pipe.
    """
    try:
        async with asyncio.TaskGroup() as group:
            pumps = [
                group.create_task(_pump(work, rung, reader))
                for rung, reader in zip(work.rungs, readers, strict=True)
            ]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed
    return [pump.result() for pump in pumps]


async def _pump(work: _Work, rung: Rung, reader: asyncio.StreamReader) -> Segment | CutShortError | None:
    """The last segment of a pipe, or how it was cut short: that, the process's own end explains."""
    try:
        return await _cut(work, rung, reader)
    except CutShortError as error:
        return error
    except (MalformedBoxError, struct.error, IndexError) as error:
        raise transient("output_malformed", f"What came of {rung.name} is no CMAF: {error!r}") from error


async def _cut(work: _Work, rung: Rung, reader: asyncio.StreamReader) -> Segment | None:
    """Cuts what one pipe gives into segments and puts all but the last, which it returns."""
    pending: _Pending | None = None
    async for part in read_fragments(reader):
        if isinstance(part, InitBoxes):
            timescale = timescale_of(part.data)
            cuts = cutter(work.grid, rung.kind, timescale, rung.sample_rate)
            pending = _Pending(rung.name, timescale, cuts)
            codecs = codecs_of(part.data)
            await work.queue.put(Init(rung=rung.name, data=part.data, timescale=timescale, codecs=codecs))
        elif pending is not None and (whole := pending.add(part)):
            await work.queue.put(whole)
    return pending.take() if pending else None


class _Pending:
    """The segment that is being gathered out of fragments. Numbers follow each other without gaps (DASH
    counts); where a source lost a whole stretch, its segment is simply not there."""

    def __init__(self, rung: str, timescale: int, cuts: Cutter) -> None:
        self._rung, self._timescale, self._cuts = rung, timescale, cuts
        self._number, self._place = 0, 0
        self._fragments: list[Fragment] = []

    def add(self, fragment: Fragment) -> Segment | None:
        """Takes a fragment in; gives the segment before, if this one begins the next."""
        place = self._cuts.number(fragment.start)
        whole = self.take() if self._fragments and place > self._place else None
        if not self._fragments:
            self._place = place
        self._fragments.append(fragment)
        return whole

    def take(self) -> Segment | None:
        """What is gathered, as a segment; None where nothing is."""
        if not self._fragments:
            return None
        parts, self._fragments = self._fragments, []
        self._number += 1
        return Segment(
            rung=self._rung,
            number=self._number - 1,
            start_ticks=parts[0].start,
            duration_ticks=sum(part.duration for part in parts),
            timescale=self._timescale,
            data=b"".join(part.data for part in parts),
        )


def _pipe(pipes: contextlib.ExitStack) -> tuple[BinaryIO, BinaryIO]:
    """A pipe; both ends close with the stack. Larger than usual, so that ffmpeg seldom waits."""
    read, write = os.pipe()
    fcntl.fcntl(read, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    return pipes.enter_context(os.fdopen(read, "rb", 0)), pipes.enter_context(os.fdopen(write, "wb", 0))


async def _reader(read: BinaryIO, pipes: contextlib.ExitStack) -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=READ_LIMIT)
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), read)
    pipes.callback(transport.close)
    return reader
