"""Items on the real stack, and what tests of faults do to it: catch a job in its middle, kill, look after.

What does not belong here: promises; they stand in the tests.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import msgspec

from deploy.handle import StackHandle
from mcsp.s3 import ObjectStore
from mcsp.settings import Settings
from media_ops import keys
from tests.media_ops.worker import served
from tests.streaming_api.api import Person

LIMIT_S = 240.0
"""Only a limit for a test that fails; two cores may be busy with other work."""
LOOK_S = 0.005
TOKEN_S = 300.0
"""An access token lives ten minutes; a person of our own is good for half of it."""


async def until(ask: Callable[[], Awaitable[Any]], what: str, *, limit_s: float = LIMIT_S) -> Any:
    """The first true answer of ``ask``, asked again and again; fails with ``what`` past the limit."""
    try:
        async with asyncio.timeout(limit_s):
            while not (answer := await ask()):  # noqa: ASYNC110 -- other processes' rows, no event of ours
                await asyncio.sleep(LOOK_S)
            return answer
    except TimeoutError:
        raise AssertionError(f"{what}: not within {limit_s:.0f} s") from None


_SEGMENTS_MADE = """
SELECT jsonb_object_agg(x.name, x.numbers) FROM (
    SELECT r.name, jsonb_agg(g.number ORDER BY g.number) AS numbers
    FROM media_ops.rendition r JOIN media_ops.segment g USING (media_id, digest)
    WHERE r.media_id = $1 AND r.state = 'published' GROUP BY r.name) x
"""


@dataclass(frozen=True)
class Caught:
    """A job that was being worked on when the worker named in it was hurt."""

    media_id: UUID
    job_id: UUID
    worker: str


@dataclass(frozen=True)
class Sent:
    """An upload whose parts are all in S3."""

    person: Person
    begun: dict[str, Any]
    parts: list[dict[str, Any]]

    @property
    def media_id(self) -> UUID:
        return UUID(self.begun["media_id"])

    async def answer(self) -> httpx.Response:
        """What ``POST …/complete`` answers."""
        return await asyncio.to_thread(self.person.complete, self.begun, self.parts)

    async def complete(self) -> None:
        answer = await self.answer()
        assert answer.status_code == 202, answer.text

    async def card(self) -> dict[str, Any]:
        """What ``GET /v1/media/{id}`` says."""
        answer = await asyncio.to_thread(self.person.http.get, f"/v1/media/{self.media_id}")
        return answer.raise_for_status().json()


@dataclass
class Workbench:
    """The stack with a view of the ledger (reconnected after restarts) and of the store."""

    stack: StackHandle
    settings: Settings
    store: ObjectStore
    pool: asyncpg.Pool
    _person: Person | None = None
    _since: float = 0.0

    async def sent(self, content: bytes, filename: str = "clip.mp4") -> Sent:
        """An upload whose parts are in S3, by the API; not completed yet."""
        return await asyncio.to_thread(self._send, content, filename)

    def _send(self, content: bytes, filename: str) -> Sent:
        if self._person is None or time.monotonic() - self._since > TOKEN_S:
            self._person, self._since = Person(self.stack.urls["api"]), time.monotonic()
            # Tests restart the API: a connection kept from before would fail the next request.
            self._person.http = httpx.Client(
                base_url=self.stack.urls["api"], timeout=60, limits=httpx.Limits(max_keepalive_connections=0),
                headers={"Authorization": f"Bearer {self._person.token}"},
            )  # fmt: skip
        begun = self._person.begin(len(content), filename=filename)
        return Sent(self._person, begun, self._person.put(begun, content))

    async def upload(self, clip: Path) -> UUID:
        """An item whose upload of ``clip`` was just completed, by the API."""
        sent = await self.sent(await asyncio.to_thread(clip.read_bytes), clip.name)
        await sent.complete()
        return sent.media_id

    async def ask(self, question: str, *arguments: object) -> Any:
        """One value of the ledger; asked again while the database is away."""

        async def once() -> tuple[Any] | None:
            try:
                return (await self.pool.fetchval(question, *arguments),)
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                return None

        return (await until(once, f"an answer to {question}"))[0]

    async def status(self, media_id: UUID) -> str:
        return await self.ask("SELECT status FROM media_ops.media_state WHERE media_id = $1", media_id)

    async def reached(self, media_id: UUID, *statuses: str) -> str:
        """Wait until the item has one of these states; gives it."""

        async def look() -> str | None:
            status = await self.status(media_id)
            return status if status in statuses else None

        return await until(look, f"item {media_id} {' or '.join(statuses)}")

    async def running(self, media_id: UUID, kind: str) -> asyncpg.Record | None:
        return await self.pool.fetchrow(
            """SELECT job_id, lease_token, leased_by FROM media_ops.job
               WHERE media_id = $1 AND kind = $2 AND state = 'running'""",
            media_id, kind,
        )  # fmt: skip

    async def in_the_middle(self, clip: Path, kind: str) -> tuple[UUID, asyncpg.Record]:
        """An item whose job of this kind runs right now; others are made while it was seen too late."""
        content = await asyncio.to_thread(clip.read_bytes)
        for _ in range(20):
            sent = await self.sent(content, clip.name)
            completing = asyncio.create_task(sent.complete())
            if kind == "purge":
                await self.reached(sent.media_id, "ready")
                await self.pool.fetchval("SELECT media_ops.delete_media($1)", sent.media_id)
            job = await until(partial(self._begun, sent.media_id, kind), f"a {kind} job begins")
            await completing
            if job["state"] == "running":
                return sent.media_id, job
            await self.reached(sent.media_id, "ready", "failed", "deleted")
        raise AssertionError(f"no {kind} job was ever seen running")

    async def _begun(self, media_id: UUID, kind: str) -> asyncpg.Record | None:
        """The running job of a kind, else one that has ended when none waits any more."""
        return await self.pool.fetchrow(
            """SELECT job_id, lease_token, leased_by, state FROM media_ops.job
               WHERE media_id = $1 AND kind = $2 AND chunk = 0 AND state <> 'queued'
               ORDER BY (state = 'running') DESC LIMIT 1""",
            media_id, kind,
        )  # fmt: skip

    async def begun_rung(self, media_id: UUID) -> None:
        """Wait until a segment of the item is published."""
        begun = "SELECT count(*) > 0 FROM media_ops.segment WHERE media_id = $1"
        await until(lambda: self.ask(begun, media_id), "a first segment")

    def lines(self, service: str) -> list[dict[str, Any]]:
        """What a service has logged since the stack was started."""
        log = self.stack.context.layout.log(service).read_bytes()
        return [msgspec.json.decode(line) for line in log.splitlines() if line.startswith(b"{")]

    async def kill_in_the_middle(self, clip: Path, kind: str) -> Caught:
        """Kill -9 the worker that runs a job of this kind; repeated until it was caught still running."""
        for _ in range(20):
            media_id, job = await self.in_the_middle(clip, kind)
            self.stack.kill(job["leased_by"])
            after = await self.running(media_id, kind)
            if after is not None and after["lease_token"] == job["lease_token"]:
                return Caught(media_id, job["job_id"], job["leased_by"])
            await self.reached(media_id, "ready", "failed", "deleted")
            self.stack.wait_ready(job["leased_by"])
        raise AssertionError(f"no {kind} job was ever caught running")

    def media_processes(self) -> set[int]:
        """Media programs of this stack: processes whose folder is a job's scratch folder."""
        scratch = str((self.stack.home / "scratch").resolve())
        found: set[int] = set()
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal() and _folder(entry).startswith(scratch):
                found.add(int(entry.name))
        return found

    async def assert_whole(self, media_id: UUID) -> None:
        """The item is ready, S3 holds exactly what rows stand for, and viewers get all of it to its end.

        Nothing is stuck, nothing is left running.
        """
        assert await self.reached(media_id, "ready", "failed") == "ready"
        await self.assert_quiet(media_id)
        wanted = await self.ask(
            "SELECT array_agg(key ORDER BY key) FROM media_ops.object_lineage WHERE media_id = $1", media_id
        )
        prefix = keys.prefix(media_id)
        found = [item.key async for item in self.store.list(self.settings.s3.bucket_media, prefix)]
        assert sorted(found) == sorted(wanted)
        await self.assert_served_whole(media_id)

    async def assert_served_whole(self, media_id: UUID) -> None:
        """The newest version's lists end and show every segment of every rung, as its MPD does."""
        made = await self.ask(_SEGMENTS_MADE, media_id)
        prefix = await self.ask("SELECT prefix FROM media_ops.playable WHERE media_id = $1", media_id)
        rungs = await self.ask(
            "SELECT array_agg(name ORDER BY name) FROM media_ops.rendition_state WHERE media_id = $1"
            " AND state = 'published'", media_id,
        )  # fmt: skip
        assert sorted(made) == rungs
        shown = await served.lists(self.store, self.settings.s3.bucket_media, prefix)
        assert shown == made
        assert await served.representations(self.store, self.settings.s3.bucket_media, prefix) == {
            name: len(segments) for name, segments in made.items()
        }

    async def assert_quiet(self, media_id: UUID) -> None:
        """No job of the item is live or dead but late purges, nothing of the system is stuck or left."""
        live = """SELECT count(*) = 0 FROM media_ops.job
                  WHERE media_id = $1 AND state IN ('queued', 'running') AND kind <> 'purge'"""
        await until(lambda: self.ask(live, media_id), f"no live job of {media_id}")
        dead = "SELECT count(*) FROM media_ops.job WHERE media_id = $1 AND state = 'dead'"
        assert await self.ask(dead, media_id) == 0
        assert await self.ask("SELECT count(*) FROM media_ops.never_stuck") == 0
        busy = "SELECT count(*) FROM media_ops.job WHERE state = 'running'"

        async def quiet() -> bool:
            return not self.media_processes() or await self.ask(busy) > 0

        await until(quiet, "no media process is left")

    @asynccontextmanager
    async def hold_down(self, *names: str) -> AsyncIterator[None]:
        """While the block runs these services are dead and stay so; afterwards they are healthy again."""
        holding = self.stack.held_down(*names)
        await asyncio.to_thread(holding.__enter__)
        try:
            yield
        finally:
            await asyncio.to_thread(holding.__exit__, *sys.exc_info())


def _folder(process: Path) -> str:
    try:
        return str((process / "cwd").readlink())
    except OSError:  # it ended between the two looks
        return ""
