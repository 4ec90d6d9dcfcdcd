"""Slots: how many jobs of which kind a worker runs at once, and what it takes next.

The quick slot holds several jobs that bring an item to playable; once a job's item plays, the job gives
up its place and goes on in the background, where it makes way for fresh uploads: its lease is given back,
and whoever has room goes on with it. The encode slot holds one. What does not belong here: what a job does
(``work``), and how many are too many (``places``).
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID

import structlog

from media_ops.ledger import leases
from media_ops.ledger.leases import Lease
from media_ops.worker.attempt import Attempt, Work, run_attempt
from media_ops.worker.context import DATABASE_AWAY, WorkerContext, patiently
from media_ops.worker.places import Places

log = structlog.get_logger()

POLL_S = 2.0
"""Jobs are looked for this often whatever Kafka does (DESIGN: Kafka wakes, PostgreSQL decides)."""
LANES = ("inspect", "audio", "video")


@dataclass
class Slot:
    """Runs jobs of one slot until stopped."""

    context: WorkerContext
    name: str
    places: Places
    work: Callable[[str], Work]
    lanes: Sequence[str] = LANES
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    _running: dict[asyncio.Task[None], Attempt] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        self.context.wakes.append(self.wake)
        self.context.players.append(self.plays)

    async def run(self, stop: asyncio.Event) -> None:
        """Take and run jobs until ``stop`` is set; then every lease is given back."""
        try:
            while not stop.is_set():
                self.wake.clear()
                await self._fill()
                await _either(self.wake, stop)
        finally:
            await self._end_all()

    @property
    def running(self) -> int:
        """Jobs at work now, those in the background included."""
        return len(self._running)

    def plays(self, media_id: UUID) -> None:
        """The item plays: what opened it goes on in the background."""
        for attempt in self._at_work():
            if attempt.lease.media_id == media_id and attempt.step_back():
                self.wake.set()

    def _at_work(self) -> list[Attempt]:
        return [attempt for attempt in self._running.values() if not attempt.aside.is_set()]

    async def _fill(self) -> None:
        try:
            while purposes := self.places.free(self._at_work()):
                lease = await leases.take(
                    self.context.pool, worker=self.context.name, slot=self.name, lanes=self.lanes,
                    purposes=purposes,
                )  # fmt: skip
                if lease is None:
                    return
                self._begin(lease)
        except DATABASE_AWAY as error:
            log.warning("no lease: database away", error=f"{type(error).__name__}: {error}")

    def _begin(self, lease: Lease) -> None:
        attempt = Attempt(self.context, lease)
        task = asyncio.create_task(self._run(attempt), name=f"{lease.kind} {lease.job_id}")
        self._running[task] = attempt
        task.add_done_callback(self._ended)
        if (last := self.places.in_the_way(self._at_work())) is not None:
            last.aside.set()

    async def _run(self, attempt: Attempt) -> None:
        """The job, and after an inspect the item's opening job in the same place, without a round trip."""
        outcome = await run_attempt(attempt, self.work(attempt.lease.kind))
        if attempt.lease.kind == "inspect" and outcome == "done" and attempt.purpose == "opening":
            await self._go_on(attempt)

    async def _go_on(self, attempt: Attempt) -> None:
        take = partial(
            leases.take, self.context.pool, worker=self.context.name, slot=self.name, lanes=self.lanes,
            media_id=attempt.lease.media_id, purposes=("opening",),
        )  # fmt: skip
        lease = await patiently(take)
        self.context.wake()
        if lease is not None:
            attempt.lease, attempt.progress = lease, 0.0
            await run_attempt(attempt, self.work(lease.kind))

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        self.wake.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("attempt broke", task=task.get_name(), exc_info=error)

    async def _end_all(self) -> None:
        tasks = list(self._running)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _either(wake: asyncio.Event, stop: asyncio.Event) -> None:
    waits = [asyncio.ensure_future(event.wait()) for event in (wake, stop)]
    try:
        await asyncio.wait(waits, timeout=POLL_S, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
