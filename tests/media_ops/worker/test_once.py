"""Messages that come again and workers that come back from the dead: the work is done once."""

import asyncio
import signal
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import msgspec
import pytest
from aiokafka import AIOKafkaProducer

from mcsp.contracts.media import JobWake
from mcsp.contracts.topics import MEDIA_JOBS
from mcsp.kafka import open_producer
from media_ops import keys
from tests.media_ops.worker.workbench import Workbench, until

pytestmark = [pytest.mark.stack, pytest.mark.fault]

TABLES = ("segment", "rendition", "manifest", "art", "source")
_ROWS = "SELECT * FROM media_ops.{} WHERE media_id = $1 ORDER BY 1, 2, 3"
WORKERS = ("worker-1", "worker-2")
JOBS = """SELECT media_id, job_id, kind, lane, attempts, lost_leases FROM media_ops.job
          WHERE media_id = $1 AND kind <> 'purge'"""


async def test_every_message_of_an_item_five_times_more_is_one_run_of_each_job(
    bench: Workbench, streamable: Path
) -> None:
    told: set[UUID] = set()
    async with open_producer(bench.settings.kafka_bootstrap, name="tests") as producer:
        media_id = await bench.upload(streamable)

        async def ready() -> bool:
            for job in await bench.pool.fetch(JOBS, media_id):
                if job["job_id"] not in told:
                    await _wake_five_times(producer, job)
                    told.add(job["job_id"])
            return await bench.status(media_id) == "ready"

        await until(ready, "the item is ready")
    await bench.assert_whole(media_id)
    jobs = await bench.pool.fetch(JOBS, media_id)
    assert Counter({job["job_id"]: 1 for job in jobs}) == _runs(bench, media_id)
    assert {(job["attempts"], job["lost_leases"]) for job in jobs} == {(0, 0)}
    assert told == {job["job_id"] for job in jobs}


async def _wake_five_times(producer: AIOKafkaProducer, job: asyncpg.Record) -> None:
    wake = msgspec.json.encode(JobWake(job["media_id"], job["job_id"], job["kind"], job["lane"]))
    key = str(job["media_id"]).encode()
    await asyncio.gather(*[await producer.send(MEDIA_JOBS.name, wake, key=key) for _ in range(5)])


def _runs(bench: Workbench, media_id: UUID) -> Counter[UUID]:
    """How often a worker began each job of the item, as the workers' logs say."""
    return Counter(UUID(line["job"]) for name in WORKERS for line in _begins(bench, name, media_id))


def _begins(bench: Workbench, worker: str, media_id: UUID) -> list[dict[str, Any]]:
    return [
        line
        for line in bench.lines(worker)
        if line["event"] == "job begins" and line["media"] == str(media_id)
    ]


async def test_a_worker_that_wakes_up_behind_its_lease_writes_nothing_and_leaves_nothing_running(
    bench: Workbench, other: Path
) -> None:
    media_id, job = await bench.in_the_middle(other, "encode")
    zombie = bench.stack.kill(job["leased_by"], signal.SIGSTOP)
    try:
        await bench.reached(media_id, "ready")
        assert await _lost_leases(bench, job) == 1
        before = await _all_of(bench, media_id)
    finally:
        assert bench.stack.kill(job["leased_by"], signal.SIGCONT) == zombie, "it is still the same process"

    async def gave_up() -> bool:
        return any(
            line["event"] == "lease lost, work dropped" and line["job"] == str(job["job_id"])
            for line in bench.lines(job["leased_by"])
        )

    await until(gave_up, "the zombie knows that it lost its lease")
    await bench.assert_whole(media_id)
    await until(lambda: _none_runs(bench), "no media process is left")
    assert await _all_of(bench, media_id) == before


async def _none_runs(bench: Workbench) -> bool:
    return not bench.media_processes()


async def _lost_leases(bench: Workbench, job: asyncpg.Record) -> int:
    """Of the logs: the ledger's own count returns to 0 with the first new segment."""
    return sum(
        line["event"] == "job begins" and line["job"] == str(job["job_id"])
        for name in WORKERS
        if name != job["leased_by"]
        for line in bench.lines(name)
    )


async def _all_of(bench: Workbench, media_id: UUID) -> tuple[Any, ...]:
    """Every row and every object of an item, with when and what was written."""
    rows = [await bench.pool.fetch(_ROWS.format(table), media_id) for table in TABLES]
    bucket = bench.settings.s3.bucket_media
    found = [item.key async for item in bench.store.list(bucket, keys.prefix(media_id))]
    etags = {key: (await bench.store.head(bucket, key)).etag for key in found}
    return (rows, etags)
