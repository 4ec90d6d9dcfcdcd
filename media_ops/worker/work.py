"""What each kind of job does: inspect, make (copy, encode, audio), art, purge. Each completes its own job.

What does not belong here: leases and retries (``attempt``), how media is made (``media_ops.produce``).
"""

import tempfile
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

import msgspec

from media_ops import art, inspect, keys, ladder, produce
from media_ops.ledger import endings, plan, publish, purging, reading
from media_ops.ledger.publish import ArtRow
from media_ops.ledger.reading import PlannedRung, SourceRow
from media_ops.worker.attempt import Attempt, Work
from media_ops.worker.context import patiently
from media_ops.worker.publisher import Publisher
from media_ops.worker.streams import RungWriter, StreamPublisher

SOURCE_URL_S = 24 * 3600
"""A presigned source address outlives the longest attempt (its wall time limit)."""
ART_NICE = 10
"""A poster may come a moment after the first picture plays."""
EXTENSIONS = {"image/jpeg": "jpg", "image/webp": "webp"}


@dataclass(frozen=True)
class Workshop:
    """Gives the work for each kind of job."""

    publisher: Publisher

    def work(self, kind: str) -> Work:
        """The function that does jobs of a kind."""
        kinds: dict[str, Work] = {
            "inspect": self.describe, "copy": self.make, "encode": self.make, "audio": self.make,
            "art": self.draw, "purge": self.purge,
        }  # fmt: skip
        return kinds[kind]

    async def describe(self, attempt: Attempt) -> None:
        """Describe the source, then write its plan: rungs and jobs."""
        pool, lease = attempt.context.pool, attempt.lease
        source = await patiently(lambda: reading.source_of(pool, lease))
        description = await inspect.inspect(
            _url(attempt, source), filename=source.filename, size=source.size_bytes,
            scratch=attempt.context.scratch,
        )  # fmt: skip
        refused = source.description.refused if source.description else ()
        description = msgspec.structs.replace(description, refused=refused)
        planned = ladder.feasible_plan(description)
        await patiently(lambda: plan.plan_source(pool, lease, description, planned))
        self.publisher.dirty(lease.media_id)

    async def make(self, attempt: Attempt) -> None:
        """Make and publish the job's rungs from one process; then they are published."""
        pool, lease = attempt.context.pool, attempt.lease
        source = await patiently(lambda: reading.source_of(pool, lease))
        rungs = await patiently(lambda: reading.rungs_of(pool, lease))
        if rungs:
            await self._stream(attempt, source, rungs)
        await self._complete(attempt)

    async def _stream(self, attempt: Attempt, source: SourceRow, rungs: list[PlannedRung]) -> None:
        if source.description is None or source.grid is None:
            raise RuntimeError(f"job {attempt.lease.job_id} makes rungs of a source that was not inspected")
        context, lease = attempt.context, attempt.lease
        writers = {}
        for planned in rungs:
            known = await patiently(
                partial(publish.known_segments, context.pool, lease.media_id, planned.digest)
            )
            writers[planned.rung.name] = RungWriter(attempt, planned.digest, planned.rung.kind, known)
        stream = StreamPublisher(attempt, self.publisher, writers, source.description.duration_s)
        measure = await patiently(lambda: reading.measures_loudness(context.pool, lease))
        with tempfile.TemporaryDirectory(prefix=f"{lease.kind}-", dir=context.scratch) as scratch:
            outputs = produce.produce(
                _url(attempt, source), source.description, source.grid, [p.rung for p in rungs],
                scratch=Path(scratch), nice=attempt.nice, loudness=measure,
                started=partial(setattr, attempt, "group"),
            )  # fmt: skip
            async with aclosing(outputs):
                await stream.run(outputs)

    async def draw(self, attempt: Attempt) -> None:
        """Choose and store the item's poster or cover."""
        context, lease = attempt.context, attempt.lease
        source = await patiently(lambda: reading.source_of(context.pool, lease))
        if source.description is None:
            raise RuntimeError(f"job {lease.job_id} makes art of a source that was not inspected")
        with tempfile.TemporaryDirectory(prefix="art-", dir=context.scratch) as scratch:
            images = await art.make_art(
                _url(attempt, source), source.description, scratch=Path(scratch), nice=ART_NICE
            )
        for image in images:
            await self._store_art(attempt, image)
        await self._complete(attempt)

    async def _store_art(self, attempt: Attempt, image: art.ArtImage) -> None:
        context, lease = attempt.context, attempt.lease
        digest = sha256(image.data).hexdigest()[:16]
        key = keys.art(lease.media_id, image.name, digest, EXTENSIONS[image.content_type])
        await context.store.put_once(context.bucket, key, image.data, image.content_type, keys.IMMUTABLE)
        row = ArtRow(
            name=image.name, content_type=image.content_type, width=image.width, height=image.height,
            bytes=len(image.data), key=key,
        )  # fmt: skip
        await patiently(lambda: publish.publish_art(context.pool, lease, context.bucket, row))

    async def purge(self, attempt: Attempt) -> None:
        """With rungs: drop what they left and no row stands for. Without: all that a deleted item had."""
        context, lease = attempt.context, attempt.lease
        if lease.rungs:
            for digest in lease.rungs:
                await self._prune(attempt, digest)
        else:
            await context.store.delete_prefix(context.bucket, keys.prefix(lease.media_id))
            for bucket, key in await patiently(lambda: reading.source_objects(context.pool, lease.media_id)):
                await context.store.delete(bucket, [key])
            await patiently(lambda: purging.forget_item(context.pool, lease.media_id))
        await self._complete(attempt)

    async def _prune(self, attempt: Attempt, digest: str) -> None:
        context, lease = attempt.context, attempt.lease
        store, bucket = context.store, context.bucket

        async def clear(wanted: set[str]) -> None:
            found = [o.key async for o in store.list(bucket, keys.rung(lease.media_id, digest))]
            await store.delete(bucket, [key for key in found if key not in wanted])

        await patiently(lambda: purging.prune(context.pool, lease.media_id, digest, clear))

    async def _complete(self, attempt: Attempt) -> None:
        await patiently(lambda: endings.complete(attempt.context.pool, attempt.lease))
        self.publisher.dirty(attempt.lease.media_id)
        attempt.context.wake()


def _url(attempt: Attempt, source: SourceRow) -> str:
    return attempt.context.presigner.get(source.bucket, source.key, SOURCE_URL_S, internal=True)
