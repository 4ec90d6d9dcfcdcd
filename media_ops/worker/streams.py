"""From ffmpeg's pipes to store and ledger: uploads side by side, rows in order, under the lease.

A segment's object is in the store before its row is; a row is written only when all before it are. What
is published already is skipped. What does not belong here: what to make (``work``).
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from media_ops import keys
from media_ops.ledger import publish
from media_ops.ledger.publish import SegmentRow
from media_ops.output import Init, Output, Segment
from media_ops.worker.attempt import Attempt
from media_ops.worker.context import patiently
from media_ops.worker.publisher import Publisher

UPLOADS = 8
"""Objects of one job on their way at once; more would only hold more memory."""
CONTENT_TYPES = {"video": "video/mp4", "audio": "audio/mp4"}


@dataclass
class _Pending:
    """A segment whose upload runs."""

    row: SegmentRow
    end_s: float
    upload: asyncio.Task[None]


class _NothingYet:
    """The queue is empty now, which is not its end (None)."""


_NOTHING_YET = _NothingYet()


def _at_hand(queue: "asyncio.Queue[_Pending | None]") -> "_Pending | _NothingYet | None":
    return _NOTHING_YET if queue.empty() else queue.get_nowait()


@dataclass
class RungWriter:
    """Publishes one rung: ``queue`` holds its segments in order, None ends it."""

    attempt: Attempt
    digest: str
    kind: str
    known: set[int]
    queue: asyncio.Queue[_Pending | None] = field(default_factory=asyncio.Queue)
    end_s: float = 0.0
    """Seconds of media published so far."""


@dataclass
class StreamPublisher:
    """Publishes what one process makes: several rungs, as their segments come."""

    attempt: Attempt
    publisher: Publisher
    writers: dict[str, RungWriter]
    duration_s: float | None
    places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(UPLOADS))

    async def run(self, outputs: AsyncIterator[Output]) -> None:
        """Publish all outputs; raises what a store, the ledger or the iterator raises, all else cancelled."""
        async with asyncio.TaskGroup() as group:
            for writer in self.writers.values():
                group.create_task(self._write_rows(writer))
            async for output in outputs:
                await self._take(group, output)
            for writer in self.writers.values():
                writer.queue.put_nowait(None)

    async def _take(self, group: asyncio.TaskGroup, output: Output) -> None:
        if isinstance(output, Init):
            await self._init(self.writers[output.rung], output)
        elif isinstance(output, Segment):
            await self._segment(group, self.writers[output.rung], output)
        else:
            lease = self.attempt.lease
            await patiently(lambda: publish.publish_loudness(self.attempt.context.pool, lease, output))

    async def _init(self, writer: RungWriter, init: Init) -> None:
        context, lease = self.attempt.context, self.attempt.lease
        key = keys.init(lease.media_id, writer.digest)
        await context.store.put_once(
            context.bucket, key, init.data, CONTENT_TYPES[writer.kind], keys.IMMUTABLE
        )
        await patiently(
            lambda: publish.publish_init(context.pool, lease, writer.digest, init, context.bucket, key)
        )

    async def _segment(self, group: asyncio.TaskGroup, writer: RungWriter, segment: Segment) -> None:
        end_s = (segment.start_ticks + segment.duration_ticks) / segment.timescale
        if segment.number in writer.known:
            writer.end_s = max(writer.end_s, end_s)
            return
        key = keys.segment(self.attempt.lease.media_id, writer.digest, segment.number)
        row = SegmentRow(
            number=segment.number, start_ticks=segment.start_ticks, duration_ticks=segment.duration_ticks,
            bytes=len(segment.data), key=key,
        )  # fmt: skip
        await self.places.acquire()
        upload = group.create_task(self._upload(writer.kind, key, segment.data))
        writer.queue.put_nowait(_Pending(row, end_s, upload))

    async def _upload(self, kind: str, key: str, data: bytes) -> None:
        context = self.attempt.context
        try:
            await context.store.put_once(context.bucket, key, data, CONTENT_TYPES[kind], keys.IMMUTABLE)
        finally:
            self.places.release()

    async def _write_rows(self, writer: RungWriter) -> None:
        """Rows of a rung in order; those whose upload has ended meanwhile go with one statement."""
        pending = await writer.queue.get()
        while pending is not None:
            await pending.upload
            batch, following = [pending], _at_hand(writer.queue)
            while isinstance(following, _Pending) and following.upload.done():
                await following.upload
                batch.append(following)
                following = _at_hand(writer.queue)
            await self._write(writer, batch)
            pending = await writer.queue.get() if isinstance(following, _NothingYet) else following

    async def _write(self, writer: RungWriter, batch: list[_Pending]) -> None:
        context, lease = self.attempt.context, self.attempt.lease
        writer.end_s = batch[-1].end_s
        self.attempt.progress = self._progress()
        rows = [pending.row for pending in batch]
        await patiently(
            lambda: publish.publish_segments(
                context.pool, lease, writer.digest, context.bucket, rows, self.attempt.progress
            )
        )
        await self.publisher.published(self.attempt)

    def _progress(self) -> float:
        """The share of the slowest rung; a source that does not say its length gives 0 until the end."""
        if not self.duration_s:
            return 0.0
        return min(min(w.end_s for w in self.writers.values()) / self.duration_s, 0.999)
