"""What looks streamable and yet cannot be packaged as it is, is encoded; only then is there a card."""

from contextlib import aclosing

import msgspec
import pytest

from mcsp.errors import TransientWorkError
from media_ops.inspect import inspect
from media_ops.ladder import plan
from media_ops.ledger import endings, reading
from media_ops.ledger.endings import JobError
from media_ops.ledger.leases import Lease
from media_ops.ledger.plan import plan_source
from media_ops.output import Segment
from media_ops.produce import produce
from media_ops.worker.attempt import job_error
from tests.media_ops.functions.clips import Clips
from tests.media_ops.functions.server import open_store
from tests.media_ops.items import DESCRIPTION, PERMANENT, REFUSED, TRANSIENT, Item, as_is_plan, new_item

LIVING = "SELECT name, rung ->> 'mode' AS mode FROM media_ops.rendition WHERE state <> 'superseded'"


async def _modes(item: Item) -> dict[str, str]:
    return {row["name"]: row["mode"] for row in await item.pool.fetch(LIVING)}


async def _refused(pool, error: JobError, times: int = 1) -> tuple[Item, Lease]:
    """An item whose copy job failed with ``error`` that often."""
    item = await new_item(pool)
    await item.planned(as_is_plan())
    for _ in range(times):
        await item.make_due()
        lease = await item.taken()
        assert lease.kind == "copy"
        await endings.fail(pool, lease, error)
    return item, lease


async def _planned_again(item: Item) -> None:
    refused = await item.refused()
    await item.planned(as_is_plan(refused=refused), msgspec.structs.replace(DESCRIPTION, refused=refused))


@pytest.mark.parametrize(("error", "times"), [(PERMANENT, 1), (REFUSED, 2)], ids=["permanent", "twice"])
async def test_a_copy_that_cannot_be_made_is_replaced_by_encodes(pool, error: JobError, times: int) -> None:
    item, refused = await _refused(pool, error, times)
    assert await item.stuck() == []
    assert await item.state() == "inspecting"
    assert await item.refused() == ("audio", "video")
    await _planned_again(item)
    assert set((await _modes(item)).values()) == {"encode"}
    opening = await item.taken()
    assert (opening.kind, set(opening.rungs) & set(refused.rungs)) == ("encode", set())
    await item.publish(opening)
    await endings.complete(pool, opening)
    await item.render()
    assert await item.state() == "playable"
    assert await item.stuck() == []


async def test_its_objects_without_rows_are_dropped(pool) -> None:
    item, refused = await _refused(pool, PERMANENT)
    assert [tuple(row["rungs"]) for row in await item.jobs("purge")] == [refused.rungs]


async def test_a_store_that_is_away_refuses_nothing(pool) -> None:
    item, _ = await _refused(pool, TRANSIENT, endings.ATTEMPTS)
    assert await item.refused() == ()
    assert set((await _modes(item)).values()) == {"copy", "encode"}


async def test_where_the_encodes_fail_too_there_is_a_card(pool) -> None:
    item, _ = await _refused(pool, PERMANENT)
    await _planned_again(item)
    for slot in ("quick", "encode"):
        while (lease := await item.take(slot)) is not None:
            if lease.kind == "art":
                await endings.complete(pool, lease)
            else:
                await endings.fail(pool, lease, PERMANENT)
    assert await item.state() == "failed"
    card = await pool.fetchval("SELECT failure FROM media_ops.media_state")
    assert card["code"] == PERMANENT.code


async def test_sound_that_ffmpeg_will_not_package_is_encoded(pool, tmp_path) -> None:
    """A real file, a real refusal: the same ffmpeg decodes it."""
    clips = Clips(tmp_path)
    path, item = clips.unpackageable(), await new_item(pool)
    async with open_store(tmp_path) as store:
        source = await inspect(
            store.address(path), filename=path.name, size=path.stat().st_size, scratch=path.parent
        )
        await plan_source(pool, await item.taken(), source, plan(source))
        for _ in range(endings.REFUSED_TWICE):
            await item.make_due()
            lease = await item.taken()
            assert lease.kind == "copy"
            with pytest.raises(TransientWorkError) as caught:
                await _make(item, lease, store.address(path), tmp_path)
            await endings.fail(pool, lease, job_error(caught.value))
        again = await item.taken()
        assert again.kind == "inspect"
        known = (await reading.source_of(pool, again)).description
        assert known is not None
        await plan_source(pool, again, known, plan(known))
        opening = await item.taken()
        assert opening.kind == "encode"
        assert await _make(item, opening, store.address(path), tmp_path) >= {"240p", "audio-64k"}


async def _make(item: Item, lease: Lease, url: str, scratch) -> set[str]:
    """Names of the rungs of a job that come out with segments."""
    source = await reading.source_of(item.pool, lease)
    rungs = [planned.rung for planned in await reading.rungs_of(item.pool, lease)]
    assert source.description is not None
    assert source.grid is not None
    made: set[str] = set()
    async with aclosing(produce(url, source.description, source.grid, rungs, scratch=scratch)) as outputs:
        async for output in outputs:
            if isinstance(output, Segment):
                made.add(output.rung)
    return made
