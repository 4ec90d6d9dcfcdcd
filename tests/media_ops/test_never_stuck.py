"""Whatever happens to its jobs in whatever order, no item is ever stuck, and each one ends.

The promise is computed twice: by the view ``never_stuck``, and from the rows by ``tests.media_ops.stuck``.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

import asyncpg
import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from mcsp.database.pool import open_pool
from mcsp.ids import uuid7
from media_ops.ledger import endings, leases, losses
from media_ops.ledger.endings import JobError
from media_ops.ledger.leases import Lease, LeaseLostError
from media_ops.ledger.plan import plan_source
from media_ops.recipes import Recipe
from tests.media_ops.items import (
    DESCRIPTION,
    HIGH,
    LANES,
    MIDDLE,
    PERMANENT,
    REFUSED,
    TRANSIENT,
    Item,
    as_is_plan,
    new_item,
    two_step_plan,
)
from tests.media_ops.postgres import Server, make_database
from tests.media_ops.stuck import stuck_by_the_rows

STUCK = "SELECT status, reason FROM media_ops.never_stuck"
STATES = "SELECT status, failure FROM media_ops.media_state"
LEASE_S = 3600.0
"""Longer than an example takes: in this machine leases run out by ``kill_all_workers`` alone."""
LIVE = "SELECT count(*) FROM media_ops.job WHERE state IN ('queued', 'running')"


class Ledger(RuleBasedStateMachine):
    """Random steps of two workers, creators, operators, pipelines and bad luck."""

    server: Server
    database: str
    held = Bundle("held")

    @initialize()
    def open(self) -> None:
        self.loop = asyncio.Runner()
        self.items: list[Item] = []
        self.recipe = 1
        self.pool: asyncpg.Pool = self.do(
            open_pool(self.server.dsn("media_ops", self.database), name="machine", max_size=2)
        )
        for table in ("job", "segment", "rendition", "manifest", "art", "source"):
            self.do(self.pool.execute(f"DELETE FROM media_ops.{table}"))  # noqa: S608 -- names from above
        for _ in range(2):
            self.do(self._new())

    def do(self, step: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run(step)

    async def _new(self) -> None:
        self.items.append(await new_item(self.pool))

    @rule()
    def upload(self) -> None:
        if len(self.items) < 3:
            self.do(self._new())

    @rule(
        target=held,
        worker=st.sampled_from(["worker-1", "worker-2"]),
        slot=st.sampled_from(["quick", "encode"]),
    )
    def lease(self, worker: str, slot: str) -> Lease | None:
        return self.do(leases.take(self.pool, worker=worker, slot=slot, lanes=LANES, lease_s=LEASE_S))

    @rule(lease=held, segments=st.integers(0, 4))
    def publish(self, lease: Lease | None, segments: int) -> None:
        if lease and lease.kind in ("encode", "copy", "audio"):
            self.try_to(Item(self.pool, lease.media_id).publish(lease, range(segments)))

    @rule(lease=consumes(held))
    def finish(self, lease: Lease | None) -> None:
        if lease is not None:
            self.try_to(self._finish(lease))

    async def _finish(self, lease: Lease) -> None:
        if lease.kind == "inspect":
            await self._plan(lease)
        else:
            await endings.complete(self.pool, lease)

    async def _plan(self, lease: Lease) -> None:
        """Every other item looks as if it could be packaged as it is."""
        recipe, number = (
            Recipe("standard", self.recipe),
            [item.media_id for item in self.items].index(lease.media_id),
        )
        refused = await self.items[number].refused()
        rest = (MIDDLE, HIGH) if self.recipe == 1 else (MIDDLE,)
        plan = as_is_plan(recipe, refused) if number % 2 else two_step_plan(recipe, rest)
        description = msgspec.structs.replace(DESCRIPTION, refused=refused)
        await plan_source(self.pool, lease, description, plan)

    @rule(lease=consumes(held), error=st.sampled_from([TRANSIENT, REFUSED, PERMANENT]))
    def fail(self, lease: Lease | None, error: JobError) -> None:
        if lease is not None:
            self.try_to(endings.fail(self.pool, lease, error))

    @rule(lease=consumes(held))
    def stop_gracefully(self, lease: Lease | None) -> None:
        if lease is not None:
            self.do(leases.give_back(self.pool, lease))

    @rule()
    def kill_all_workers(self) -> None:
        for item in self.items:
            self.do(item.run_out())
        self.do(losses.reclaim(self.pool))

    @rule()
    def time_passes(self) -> None:
        for item in self.items:
            self.do(item.make_due())

    @rule(which=st.integers(0, 2))
    def render(self, which: int) -> None:
        self.do(self.items[which % len(self.items)].render())

    @rule(which=st.integers(0, 2))
    def delete(self, which: int) -> None:
        item = self.items[which % len(self.items)]
        self.do(self.pool.fetchval("SELECT media_ops.delete_media($1)", item.media_id))

    @rule(which=st.integers(0, 2))
    def retry(self, which: int) -> None:
        item = self.items[which % len(self.items)]
        self.do(self.pool.fetchval("SELECT media_ops.retry_media($1)", item.media_id))

    @rule()
    def replay_everything(self) -> None:
        self.do(
            self.pool.fetch("SELECT media_ops.replay_job(job_id) FROM media_ops.job WHERE state = 'dead'")
        )

    @rule(which=st.integers(0, 2), recipe=st.sampled_from([1, 2]))
    def make_whole(self, which: int, recipe: int) -> None:
        """Under this recipe or that one, to and fro: the first has a rung that the second has not."""
        self.recipe = recipe
        item = self.items[which % len(self.items)]
        ask = "SELECT media_ops.enqueue_missing($1, $2)"
        self.do(self.pool.fetchval(ask, item.media_id, f"standard@{self.recipe}"))

    def try_to(self, step: Coroutine[Any, Any, Any]) -> None:
        try:
            self.do(step)
        except LeaseLostError:
            return  # what a zombie is told; that it wrote nothing shows in the invariant

    @invariant()
    def nothing_is_stuck(self) -> None:
        assert self.do(self.pool.fetch(STUCK)) == []
        assert self.do(stuck_by_the_rows(self.pool)) == []

    def teardown(self) -> None:
        try:
            self.kill_all_workers()
            self.work_to_the_end()
            assert self.do(self.pool.fetchval(LIVE)) == 0
            for row in self.do(self.pool.fetch(STATES)):
                has_card = row["failure"] is not None
                assert row["status"] in ("ready", "deleted") or (row["status"] == "failed" and has_card)
        finally:
            self.pool.terminate()
            self.loop.close()

    def work_to_the_end(self) -> None:
        """A worker that nothing happens to any more."""
        self.time_passes()
        while taken := self.lease_any():
            if taken.rungs and taken.kind != "purge":
                self.try_to(Item(self.pool, taken.media_id).publish(taken))
            self.try_to(self._finish(taken))
            self.time_passes()
        for item in self.items:
            self.do(item.render())

    def lease_any(self) -> Lease | None:
        for slot in ("quick", "encode"):
            if taken := self.do(
                leases.take(self.pool, worker="last", slot=slot, lanes=LANES, lease_s=LEASE_S)
            ):
                return taken
        return None


def test_no_item_is_ever_stuck_and_each_one_ends(postgres_server: Server) -> None:
    class Machine(Ledger):
        server, database = postgres_server, f"machine_{uuid7().hex}"

    asyncio.run(make_database(postgres_server, Machine.database))
    run_machine(
        Machine,
        settings=settings(
            max_examples=15, stateful_step_count=40, deadline=None, database=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )  # fmt: skip
