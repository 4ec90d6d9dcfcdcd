"""One hour of one stage as Dagster shows it: metadata and check results, by a run or by the sensor.

What does not belong here: the assets' own declarations (a file each) and reading Kafka
(``orchestration.lifecycle``).
"""

from datetime import datetime

import dagster as dg
import msgspec

from assets import checks, describe
from assets.partitions import hour_of_key, key_of
from assets.resources import Ledger, Objects, Pages
from mcsp.database.pool import Connection
from media_ops.completeness import incomplete_packages
from media_ops.integrity import Looked, wrong_digests
from media_ops.lineage import Stage
from media_ops.whole import Made, make_whole, observe

__all__ = ["UNSEEN", "Hour", "Looked", "look_on", "materialise", "report"]

UNSEEN = Looked(0, ())


class Hour(msgspec.Struct, frozen=True):
    """What is shown of an hour of a stage."""

    stage: Stage
    hour: datetime
    metadata: describe.Metadata | None
    """None where only a look at it went on."""
    checks: list[checks.Check]
    looked: Looked | None = None
    """What the look at its things came to; where ``until`` says so, it is not through the hour yet."""

    def result(self) -> dg.MaterializeResult:
        """As the outcome of a run."""
        return dg.MaterializeResult(
            metadata=self.metadata, check_results=[check.result() for check in self.checks]
        )

    def events(self) -> list[dg.AssetMaterialization | dg.AssetCheckEvaluation]:
        """As run-less events: one materialisation, if there is one, and its check results."""
        judged = [check.event(self.stage) for check in self.checks]
        if self.metadata is None:
            return [*judged]
        made = dg.AssetMaterialization(self.stage, partition=key_of(self.hour), metadata=self.metadata)
        return [made, *judged]

    @property
    def right(self) -> bool:
        """Whether all its checks pass."""
        return all(check.passed for check in self.checks)


def materialise(
    context: dg.AssetExecutionContext,
    stage: Stage,
    wait_s: float,
    ledger: Ledger,
    objects: Objects,
    pages: Pages,
) -> dg.MaterializeResult:
    """Make the run's hour whole and give its result."""
    hour = hour_of_key(context.partition_key)

    async def work(connection: Connection) -> tuple[Made, Looked | None]:
        made = await make_whole(connection, stage, hour, wait_s=wait_s, run_id=context.run.run_id)
        return made, await _look(connection, stage, hour, objects)

    made, looked = ledger.run(work)
    return _shown(stage, hour, made, looked, pages, describe.made(made, pages)).result()


def report(
    stage: Stage, hour: datetime, ledger: Ledger, objects: Objects, pages: Pages,
    *, so_far: Looked = UNSEEN, within_s: float | None = None,
) -> Hour:  # fmt: skip
    """What is there of an hour now, recorded and checked; enqueues nothing and waits for nothing.

    Packages are looked up in the store from where ``so_far`` stopped, for ``within_s`` seconds.
    """

    async def work(connection: Connection) -> tuple[Made, Looked | None]:
        seen = await observe(connection, stage, hour)
        return seen, await _look(connection, stage, hour, objects, so_far, within_s)

    seen, looked = ledger.run(work)
    return _shown(stage, hour, seen, looked, pages, describe.numbers(seen.numbers, pages))


def look_on(
    hour: datetime, ledger: Ledger, objects: Objects, pages: Pages, *, so_far: Looked, within_s: float
) -> Hour:
    """The next portion of the look at an hour's packages, for ``within_s`` seconds: check results alone."""

    async def work(connection: Connection) -> Looked | None:
        return await _look(connection, "packages", hour, objects, so_far, within_s)

    looked = ledger.run(work)
    return Hour("packages", hour, None, _judged("packages", hour, looked, pages), looked)


async def _look(
    connection: Connection, stage: Stage, hour: datetime, objects: Objects, so_far: Looked = UNSEEN,
    within_s: float | None = None,
) -> Looked | None:  # fmt: skip
    match stage:
        case "sources":
            return None
        case "renditions":
            return await wrong_digests(connection, hour)
        case "packages":
            async with objects.open() as store:
                portion = await incomplete_packages(
                    connection, store, hour, after=so_far.until, within_s=within_s
                )
                return so_far.then(portion)


_NEXT_STEP: dict[Stage, tuple[str, str]] = {
    "renditions": (checks.DIGESTS, "Someone changed rows by hand: materialise `remakes` of their bucket."),
    "packages": (
        checks.COMPLETE,
        "Objects were removed from outside: restore them, or upload again.",
    ),
}


def _shown(
    stage: Stage,
    hour: datetime,
    made: Made,
    looked: Looked | None,
    pages: Pages,
    metadata: describe.Metadata,
) -> Hour:
    judged = [checks.whole(made.waiting, pages).of(key_of(hour)), *_judged(stage, hour, looked, pages)]
    outcome = {check.name: dg.MetadataValue.bool(check.passed) for check in judged}
    return Hour(stage, hour, metadata | outcome, judged, looked)


def _judged(stage: Stage, hour: datetime, looked: Looked | None, pages: Pages) -> list[checks.Check]:
    if looked is None:
        return []
    name, action = _NEXT_STEP[stage]
    return [checks.broken(name, looked, action, pages).of(key_of(hour))]
