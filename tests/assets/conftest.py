"""Fixtures of the asset tests: a ledger in a real PostgreSQL, and Dagster's in-process executor.

Dagster is called in a thread of its own, since its resources run their own event loop.
"""

import asyncio
from collections.abc import Awaitable, Callable

import dagster as dg
import pytest

from assets.packages import packages
from assets.remakes import remake_plan, remakes
from assets.renditions import renditions
from assets.resources import Ledger, Objects, Pages
from assets.sources import sources
from assets.state_checks import never_stuck
from tests.assets.resources import ledger, pages, store
from tests.media_ops.conftest import database, pool, postgres_server

__all__ = ["database", "ledger", "pages", "pool", "postgres_server", "store"]

Run = Callable[..., Awaitable[dg.ExecuteInProcessResult]]

ASSETS = {
    asset.key.to_user_string(): asset for asset in (sources, renditions, packages, remake_plan, remakes)
}


@pytest.fixture
def objects() -> Objects:
    """A store nobody reaches: for assets that must not need one."""
    return Objects(
        endpoint="http://127.0.0.1:1", region="us-east-1", access_key="a", secret_key="b", bucket_media="c"
    )


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as made:
        yield made


@pytest.fixture
def run(ledger: Ledger, pages: Pages, objects: Objects, instance: dg.DagsterInstance) -> Run:
    """Materialise one partition of one asset; ``wait_s`` is its bound on waiting."""

    async def materialise(
        name: str, partition: str, wait_s: float | None = None
    ) -> dg.ExecuteInProcessResult:
        config = {"ops": {name: {"config": {"wait_s": wait_s}}}} if wait_s is not None else None
        return await asyncio.to_thread(
            dg.materialize,
            [ASSETS[name]],
            partition_key=partition,
            instance=instance,
            run_config=config,
            raise_on_error=False,
            resources={"ledger": ledger, "objects": objects, "pages": pages},
        )

    return materialise


@pytest.fixture
def check(ledger: Ledger, pages: Pages) -> Callable[[], Awaitable[dg.AssetCheckResult]]:
    """Evaluate ``never_stuck`` as its job does."""

    async def evaluate() -> dg.AssetCheckResult:
        found = await asyncio.to_thread(never_stuck, ledger=ledger, pages=pages)
        assert isinstance(found, dg.AssetCheckResult)
        return found

    return evaluate
