"""Renders manifests when rows change: at once the first time, then at most every half second an item.

A render that fails is repeated until the process ends; what a dead worker left stale is found by others
(``adopt``). What does not belong here: texts of manifests, and when an item counts as playable.
"""

import asyncio
import time
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from mcsp.errors import ConflictError, UnavailableError
from media_ops.ledger import rendering
from media_ops.ledger.settle import Advance, settle
from media_ops.ledger.transaction import item_transaction
from media_ops.worker.attempt import Attempt
from media_ops.worker.context import DATABASE_AWAY, WorkerContext, patiently
from media_ops.worker.metrics import FIRST_PLAYABLE
from media_ops.worker.rendering import render
from media_ops.worker.verifying import verify

log = structlog.get_logger()

INTERVAL_S = 0.5
BUSY_S = 0.05
"""Pause before asking again while another worker renders the same item."""
RETRY_MAX_S = 5.0
ADOPT_AFTER_S = 3.0
RENDERS = 6
"""Renders at once: each holds a connection while it waits for the store, which may hang for a minute."""
PLAYING_MOST = 1000
"""Items known to play; one that was forgotten is settled once more with each batch of its segments."""


@dataclass
class Publisher:
    """The manifests of all items that this worker changes."""

    context: WorkerContext
    _dirty: set[UUID] = field(default_factory=set, init=False)
    _tasks: dict[UUID, asyncio.Task[None]] = field(default_factory=dict, init=False)
    _playing: dict[UUID, None] = field(default_factory=dict, init=False)
    """The newest last."""
    _places: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(RENDERS), init=False)

    async def published(self, attempt: Attempt) -> None:
        """New rows of an item: open its first version if it is time, and render what is stale.

        Once the item plays, what opened it gives up its place among the quick ones.
        """
        media_id = attempt.lease.media_id
        if media_id not in self._playing:
            await patiently(lambda: self._settle(media_id))
        self.dirty(media_id)

    async def _settle(self, media_id: UUID) -> None:
        async with item_transaction(self.context.pool, media_id) as connection:
            await settle(connection, media_id)

    def dirty(self, media_id: UUID) -> None:
        """The item's manifests may be stale."""
        self._dirty.add(media_id)
        if media_id not in self._tasks:
            task = asyncio.create_task(self._render_until_clean(media_id), name=f"manifests of {media_id}")
            self._tasks[media_id] = task
            task.add_done_callback(lambda done: self._ended(media_id, done))

    def _ended(self, media_id: UUID, task: asyncio.Task[None]) -> None:
        self._tasks.pop(media_id, None)
        if task.cancelled():
            return
        if (error := task.exception()) is not None:
            log.error("render broke", media=str(media_id), exc_info=error)
        if media_id in self._dirty:
            self.dirty(media_id)

    async def _render_until_clean(self, media_id: UUID) -> None:
        failures = 0
        while media_id in self._dirty:
            self._dirty.discard(media_id)
            began = time.monotonic()
            try:
                pause = await self._render(media_id)
                failures = 0
            except (UnavailableError, ConflictError, *DATABASE_AWAY) as error:
                self._dirty.add(media_id)
                pause = min(INTERVAL_S * 2**failures, RETRY_MAX_S)
                failures += 1
                log.warning("manifests not rendered", media=str(media_id), error=str(error), again_in_s=pause)
            if pause:
                await asyncio.sleep(max(0.0, began + pause - time.monotonic()))

    async def _render(self, media_id: UUID) -> float:
        """One render; gives the pause after it in seconds, 0 when there was nothing to do."""
        async with self._places, rendering.render_lock(self.context.pool, media_id) as connection:
            if connection is None:
                self._dirty.add(media_id)
                return BUSY_S
            stale = await rendering.stale_manifests(connection, media_id)
            if not stale:
                return 0.0
            await render(self.context.store, connection, media_id, stale)
            moved = await rendering.rendered(connection, media_id, stale)
        self._note(media_id, moved)
        return INTERVAL_S

    def _note(self, media_id: UUID, moved: Advance) -> None:
        self.context.plays(media_id)
        if moved.first_after_s is not None:
            self.context.wake()  # what stood aside for this may begin
            FIRST_PLAYABLE.observe(moved.first_after_s)
            log.info("playable", media=str(media_id), after_s=round(moved.first_after_s, 3))
        self._playing.pop(media_id, None)
        if moved.state == "ready":
            log.info("ready", media=str(media_id))
            return
        self._playing[media_id] = None
        if len(self._playing) > PLAYING_MOST:
            del self._playing[next(iter(self._playing))]

    async def adopt(self) -> None:
        """Render what has been stale for so long that whoever changed it must be gone."""
        for media_id in await rendering.stale_items(self.context.pool, ADOPT_AFTER_S):
            self.dirty(media_id)

    async def verify(self) -> None:
        """Look at finished versions once more, and render those that S3 does not show as rendered."""
        for media_id in await verify(self.context.pool, self.context.store):
            self.dirty(media_id)

    async def flush(self, timeout_s: float) -> None:
        """Wait, within bounds, until all manifests are rendered; then drop what is left to others."""
        tasks = list(self._tasks.values())
        if tasks:
            await asyncio.wait(tasks, timeout=timeout_s)
        self._dirty.clear()
        for task in list(self._tasks.values()):
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
