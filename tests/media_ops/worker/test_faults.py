"""Real things killed in the middle of real work: the item still ends ready, whole, with nothing left over."""

import asyncio
from pathlib import Path

import pytest

from media_ops import keys
from tests.media_ops.worker.workbench import Sent, Workbench, until

pytestmark = [pytest.mark.stack, pytest.mark.fault]

WORKERS = ("worker-1", "worker-2")


@pytest.mark.parametrize("kind", ["inspect", "copy", "audio", "encode", "art"])
async def test_a_worker_killed_in_the_middle_of_a_job(bench: Workbench, streamable, kind: str) -> None:
    caught = await bench.kill_in_the_middle(streamable, kind)
    await bench.assert_whole(caught.media_id)
    bench.stack.wait_ready(caught.worker)
    attempts = "SELECT attempts FROM media_ops.job WHERE job_id = $1"
    assert await bench.ask(attempts, caught.job_id) == 0, "a killed worker is no attempt"
    assert _left(bench) == []


async def test_a_media_program_that_inspects_is_seen_as_one_of_the_stack(
    bench: Workbench, streamable
) -> None:
    """What every look for programs left behind rests on, for the kind that runs shortest."""

    async def seen() -> bool:
        sent = await bench.sent(await asyncio.to_thread(streamable.read_bytes))
        completing = asyncio.create_task(sent.complete())
        await until(lambda: _begun_or_seen(bench, sent), "inspected")
        found = bool(bench.media_processes()) and await bench.running(sent.media_id, "inspect") is not None
        await completing
        await bench.assert_whole(sent.media_id)
        return found

    await until(seen, "an inspection's program")


async def test_a_worker_killed_while_it_encodes_what_must_play_first(bench: Workbench, other) -> None:
    caught = await bench.kill_in_the_middle(other, "encode")
    await bench.assert_whole(caught.media_id)
    bench.stack.wait_ready(caught.worker)


async def test_a_worker_killed_while_it_purges(bench: Workbench, streamable) -> None:
    caught = await bench.kill_in_the_middle(streamable, "purge")
    done = "SELECT state = 'done' FROM media_ops.job WHERE job_id = $1"
    await until(lambda: bench.ask(done, caught.job_id), "the purge is done")
    bench.stack.wait_ready(caught.worker)
    assert await _objects(bench, caught.media_id) == []


async def test_both_workers_killed_at_once(bench: Workbench, other) -> None:
    media_id, _ = await bench.in_the_middle(other, "encode")
    for name in WORKERS:
        bench.stack.kill(name)
    await bench.assert_whole(media_id)
    for name in WORKERS:
        bench.stack.wait_ready(name)


async def test_an_item_deleted_in_the_middle_of_its_encode_leaves_nothing(bench: Workbench, other) -> None:
    media_id, job = await bench.in_the_middle(other, "encode")
    await bench.begun_rung(media_id)
    await bench.pool.fetchval("SELECT media_ops.delete_media($1)", media_id)
    done = """SELECT count(*) = 1 FROM media_ops.job
              WHERE media_id = $1 AND kind = 'purge' AND chunk = 0 AND state = 'done'"""
    await until(lambda: bench.ask(done, media_id), "the purge is done")
    await bench.assert_quiet(media_id)
    await bench.pool.execute(
        "UPDATE media_ops.job SET due_at = now() WHERE media_id = $1 AND kind = 'purge'", media_id
    )
    late = "SELECT bool_and(state = 'done') FROM media_ops.job WHERE media_id = $1 AND kind = 'purge'"
    await until(lambda: bench.ask(late, media_id), "the late purge is done")
    assert await _objects(bench, media_id) == []
    state = "SELECT state FROM media_ops.job WHERE job_id = $1"
    assert await bench.ask(state, job["job_id"]) == "cancelled"


async def test_down_in_the_middle_of_a_job_is_no_attempt_and_up_goes_on(bench: Workbench, other) -> None:
    services = tuple(bench.stack.status().services)
    media_id, job = await bench.in_the_middle(other, "encode")
    await asyncio.to_thread(bench.stack.down)
    assert bench.media_processes() == set()
    await asyncio.to_thread(bench.stack.up, only=services)
    await bench.assert_whole(media_id)
    counted = "SELECT attempts + lost_leases FROM media_ops.job WHERE job_id = $1"
    assert await bench.ask(counted, job["job_id"]) == 0


async def _begun_or_seen(bench: Workbench, sent: Sent) -> bool:
    described = "SELECT count(*) > 0 FROM media_ops.rendition WHERE media_id = $1"
    return bool(bench.media_processes()) or await bench.ask(described, sent.media_id)


def _left(bench: Workbench) -> list[Path]:
    """What jobs that ended left in the workers' folders."""
    return list((bench.stack.home / "scratch").glob("*/*"))


async def _objects(bench: Workbench, media_id) -> list[str]:
    bucket = bench.settings.s3.bucket_media
    return [item.key async for item in bench.store.list(bucket, keys.prefix(media_id))]
