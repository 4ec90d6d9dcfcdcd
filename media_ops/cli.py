"""The commands ``mcsp worker`` and ``mcsp jobs``: run a worker; look at jobs and replay dead ones."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

import asyncpg
import click

from mcsp.by_hand import settings_for
from mcsp.database.pool import open_pool
from mcsp.process import run
from mcsp.settings import settings
from media_ops.ledger import board

T = TypeVar("T")


@click.command()
@click.option("--name", required=True, help="Name of this worker; one process a name.")
def worker(name: str) -> None:
    """Lease media jobs and do them until stopped."""
    from media_ops.worker.main import run_worker

    run(name, lambda stop: run_worker(name, settings(), stop))


@click.group()
def jobs() -> None:
    """Look at media jobs; replay those that nobody tries again by itself."""


@jobs.command("list")
@click.option("--state", multiple=True, help="Only these states (default: queued, running, dead).")
@click.option("--limit", default=100, show_default=True)
def list_jobs(state: tuple[str, ...], limit: int) -> None:
    """Jobs, the oldest due first."""
    _show(_ask(lambda pool: board.list_jobs(pool, state or ("queued", "running", "dead"), limit)))


@jobs.command()
@click.option("--limit", default=100, show_default=True)
def dead(limit: int) -> None:
    """Dead jobs and why they died."""
    _show(_ask(lambda pool: board.list_jobs(pool, ("dead",), limit)))


@jobs.command()
@click.argument("job_id", type=click.UUID, required=False)
@click.option("--all", "everything", is_flag=True, help="Replay every dead job.")
def replay(job_id: UUID | None, everything: bool) -> None:
    """Give a dead job (or all) five new attempts."""
    if (job_id is None) == (not everything):
        raise click.UsageError("give a job id, or --all")
    count = _ask(lambda pool: board.replay(pool, job_id))
    click.echo(f"{count} replayed")
    if job_id is not None and count == 0:
        raise click.ClickException(f"job {job_id} is not dead; see `mcsp jobs dead`")


def _ask(question: Callable[[asyncpg.Pool], Awaitable[T]]) -> T:
    async def answer() -> T:
        dsn = settings_for("worker", "media_ops").dsn_of("media_ops")
        pool = await open_pool(dsn, name="mcsp jobs", max_size=1)
        try:
            return await question(pool)
        finally:
            await pool.close()

    return asyncio.run(answer())


def _show(rows: list[board.JobLine]) -> None:
    for row in rows:
        trouble = f"  {row.code}: {row.message}" if row.code else ""
        click.echo(
            f"{row.job_id}  {row.media_id}  {row.kind:<8}{row.slot:<7}{row.state:<10}"
            f"attempts {row.attempts}  lost {row.lost_leases}  {row.progress:>4.0%}{trouble}"
        )
    if not rows:
        click.echo("no such jobs")
