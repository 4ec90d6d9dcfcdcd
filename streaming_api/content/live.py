"""Live state of a person's items: PostgreSQL's NOTIFY ``media_state`` to every open studio of this process.

One LISTEN connection a process. A subscriber first gets the whole state, then each change; after a break of
either connection it gets the whole state again, so that nothing is lost and nothing needs to be remembered.
What does not belong here: HTTP (``endpoints``) and what an item looks like (``logic``).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg
import structlog
from prometheus_client import Gauge

from mcsp.errors import RateLimitedError, UnavailableError

log = structlog.get_logger()

CHANNEL = "media_state"
GATHER_S = 0.1
"""Changes within this time are read from the database together."""
RECONNECT_S = 1.0
STREAMS_A_PERSON = 20

STREAMS = Gauge("mcsp_live_streams", "Open studios that follow their items")

_AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError)
"""The database does not answer: it will."""

LoadChanged = Callable[[list[UUID], list[UUID]], Awaitable[list[tuple[UUID, UUID, bytes]]]]
"""Of the given items those of the given owners, as (owner, item, JSON)."""


@dataclass(eq=False)
class Subscriber:
    """One open studio. Keeps the last state of each changed item only: a slow reader never piles up work."""

    owner_id: UUID
    whole: bool = True
    _changed: dict[UUID, bytes] = field(default_factory=dict)
    _woken: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, media_id: UUID, state: bytes) -> None:
        self._changed.pop(media_id, None)
        self._changed[media_id] = state
        self._woken.set()

    def restart(self) -> None:
        """The whole state is wanted again."""
        self.whole = True
        self._woken.set()

    async def wait(self, timeout_s: float) -> None:
        """Until there is something to take, or the time is over."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), timeout_s)

    def take(self) -> tuple[bool, list[bytes]]:
        """Whether the whole state is due, and the changes since."""
        whole, states = self.whole, list(self._changed.values())
        self.whole = False
        self._changed.clear()
        self._woken.clear()
        return whole, states


class LiveItems:
    """The subscribers of this process and the one connection that feeds them."""

    def __init__(self, dsn: str, load_changed: LoadChanged) -> None:
        self._dsn, self._load = dsn, load_changed
        self._subscribers: dict[UUID, set[Subscriber]] = {}
        self._told: set[UUID] = set()
        self._woken = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.listening = asyncio.Event()

    def follow(self, owner_id: UUID) -> Subscriber:
        """Follow a person's items until ``leave``. Raises RateLimitedError at too many open studios.

        Counting and subscribing are one step, nothing is awaited between: of many at once no more get in.
        """
        mine = self._subscribers.setdefault(owner_id, set())
        if len(mine) >= STREAMS_A_PERSON:
            raise RateLimitedError(
                "too_many_streams", f"At most {STREAMS_A_PERSON} studios of a person are told of changes.",
                action="Close one of them.", retry_after_s=5,
            )  # fmt: skip
        subscriber = Subscriber(owner_id)
        mine.add(subscriber)
        STREAMS.inc()
        return subscriber

    def leave(self, subscriber: Subscriber) -> None:
        """The studio is closed; once more changes nothing."""
        mine = self._subscribers.get(subscriber.owner_id, set())
        if subscriber not in mine:
            return
        STREAMS.dec()
        mine.discard(subscriber)
        if not mine:
            self._subscribers.pop(subscriber.owner_id, None)

    async def check(self) -> None:
        """Readiness: changes are heard and told. Raises UnavailableError when they are not."""
        if any(task.done() for task in self._tasks):
            raise UnavailableError(
                "live_ended", "Open studios are told nothing any more.", action="Restart this process."
            )
        if not self.listening.is_set():
            raise UnavailableError(
                "live_not_listening", "The connection that hears of changes is down.",
                action="Wait: it is opened again. If it stays, look whether PostgreSQL runs.",
            )  # fmt: skip

    @asynccontextmanager
    async def running(self) -> AsyncIterator["LiveItems"]:
        """Listen and tell while the block runs."""
        self._tasks = [asyncio.create_task(self._keep_listening()), asyncio.create_task(self._keep_telling())]
        try:
            yield self
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _keep_listening(self) -> None:
        while True:
            try:
                await self._listen()
            except _AWAY as error:
                log.warning("live state: not listening", error=f"{type(error).__name__}: {error}")
            self.listening.clear()
            await asyncio.sleep(RECONNECT_S)

    async def _listen(self) -> None:
        """Listen until the connection ends; whoever follows gets the whole state at its beginning."""
        ended = asyncio.Event()
        connection = await asyncpg.connect(self._dsn, server_settings={"application_name": "api/live"})
        try:
            connection.add_termination_listener(lambda _: ended.set())
            await connection.add_listener(CHANNEL, self._hear)
            self.listening.set()
            for subscriber in self._everyone():
                subscriber.restart()
            await ended.wait()
        finally:
            connection.terminate()

    def _everyone(self) -> list[Subscriber]:
        return [one for group in self._subscribers.values() for one in group]

    def _hear(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        if not self._subscribers:
            return
        try:
            self._told.add(UUID(str(payload)))
        except ValueError:
            log.warning("live state: a payload that is no id", payload=str(payload)[:100])
            return
        self._woken.set()

    async def _keep_telling(self) -> None:
        while True:
            await self._woken.wait()
            await asyncio.sleep(GATHER_S)
            self._woken.clear()
            media_ids, self._told = list(self._told), set()
            await self._tell_all(media_ids)

    async def _tell_all(self, media_ids: list[UUID]) -> None:
        """Tell what can be told. An item that cannot be shown is logged, and silences no other."""
        try:
            await self._tell(media_ids)
        except _AWAY as error:
            log.warning("live state: not told", error=f"{type(error).__name__}: {error}")
            for subscriber in self._everyone():
                subscriber.restart()
        except Exception:  # whatever is wrong with one item, every other studio has to hear of its own
            if len(media_ids) == 1:
                log.exception("live state: an item cannot be told", media_id=str(media_ids[0]))
                return
            for media_id in media_ids:
                await self._tell_all([media_id])

    async def _tell(self, media_ids: list[UUID]) -> None:
        for owner_id, media_id, state in await self._load(media_ids, list(self._subscribers)):
            for subscriber in self._subscribers.get(owner_id, ()):
                subscriber.put(media_id, state)
