"""Promises of the sweeper: each duty at its interval, none stopping another, each shown by name."""

import asyncio

import pytest

from mcsp.errors import UnavailableError
from mcsp.resources import Resources
from mcsp.sweeper import RESULT, Duty, SweepContext, every, find_duties


@every(0.01)
async def counting(context: SweepContext) -> dict[str, float]:
    return {"pools": await (await context.pool("relay")).fetchval("SELECT 7")}


async def failing(_: SweepContext) -> dict[str, float]:
    raise UnavailableError("store_down", "no store today")


async def run_until(duties: list[Duty], context: Resources, enough: asyncio.Event) -> None:
    stop = asyncio.Event()
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for duty in duties:
            group.create_task(duty.keep_on(context, stop))
        await enough.wait()
        stop.set()


async def test_a_failing_duty_stops_no_other_and_shows_in_readiness(resources: Resources) -> None:
    enough, runs = asyncio.Event(), 0

    async def good(context: SweepContext) -> dict[str, float]:
        nonlocal runs
        runs += 1
        if runs >= 3:
            enough.set()
        return await counting(context)

    fine, broken = Duty("fine", good, 0.01), Duty("broken", failing, 0.01)
    await run_until([fine, broken], resources, enough)
    await fine.check()
    with pytest.raises(UnavailableError, match="no store today"):
        await broken.check()
    assert runs >= 3


async def test_what_a_duty_counts_becomes_a_metric(resources: Resources) -> None:
    await Duty("counting", counting, 1).run_once(resources)
    assert RESULT.labels("counting", "pools")._value.get() == 7


async def test_a_duty_that_recovers_is_ready_again(resources: Resources) -> None:
    answers = iter([UnavailableError("away", "away"), None])

    async def recovering(_: SweepContext) -> dict[str, float]:
        if (error := next(answers)) is not None:
            raise error
        return {}

    duty = Duty("recovering", recovering, 1)
    await duty.run_once(resources)
    with pytest.raises(UnavailableError):
        await duty.check()
    await duty.run_once(resources)
    await duty.check()
    assert duty.good_at


def test_every_room_offers_its_duties_with_an_interval() -> None:
    duties = {duty.name: duty for duty in find_duties()}
    assert {"identity", "ledger", "uploads"} <= duties.keys()
    assert all(0 < duty.interval_s <= 600 for duty in duties.values())
