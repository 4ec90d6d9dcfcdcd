"""Items on the real stack, and what tests of faults do to it: catch a job in its middle, kill, look after.

What does not belong here: promises; they stand in the tests.
"""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from deploy.handle import StackHandle
from mcsp.ids import uuid7
from mcsp.s3 import ObjectStore
from mcsp.settings import Settings
from media_ops import keys
from tests.media_ops.worker import served

LIMIT_S = 240.0
"""Only a limit for a test that fails; two cores may be busy with other work."""
LOOK_S = 0.005


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


@dataclass
class Workbench:
    """The stack with a view of the ledger (reconnected after restarts) and of the store."""

    stack: StackHandle
    settings: Settings
    store: ObjectStore
    pool: asyncpg.Pool

    async def upload(self, clip: Path) -> UUID:
        """An item whose upload of ``clip`` was just completed."""
        media_id, data = uuid7(), await asyncio.to_thread(clip.read_bytes)
        bucket, key = self.settings.s3.bucket_source, f"uploads/{media_id}/1"
        etag = await self.store.put(bucket, key, data, "application/octet-stream")
        await self.pool.fetchval(
            "SELECT media_ops.enqueue_source($1, $2, $3, $4, $5, $6, $7, 'application/octet-stream')",
            media_id, uuid7(), bucket, key, etag, len(data), clip.name,
        )  # fmt: skip
        return media_id

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
        """An item whose job of this kind runs right now."""
        media_id = await self.upload(clip)
        if kind == "purge":
            await self.reached(media_id, "ready")
            await self.pool.fetchval("SELECT media_ops.delete_media($1)", media_id)
        job = await until(lambda: self.running(media_id, kind), f"a running {kind} job")
        return media_id, job

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

    def hold_down(self, *names: str) -> "HoldDown":
        """Kill these services again each time the supervisor has brought them back."""
        return HoldDown(self.stack, names)


def _folder(process: Path) -> str:
    try:
        return str((process / "cwd").readlink())
    except OSError:  # it ended between the two looks
        return ""


@dataclass
class HoldDown:
    """While the block runs, the services never stay up; afterwards they are healthy again."""

    stack: StackHandle
    names: tuple[str, ...]

    async def __aenter__(self) -> None:
        self._task = asyncio.create_task(self._keep_killing())

    async def _keep_killing(self) -> None:
        while True:
            for name in self.names:
                pid = self.stack.service(name).pid
                if pid is not None:
                    _kill(pid)
            await asyncio.sleep(LOOK_S * 10)

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        for name in self.names:
            await asyncio.to_thread(self.stack.wait_ready, name)


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # the supervisor has just seen it end
