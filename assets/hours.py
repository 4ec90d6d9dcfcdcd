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
from media_ops.integrity import Looked, incomplete_packages, wrong_digests
from media_ops.lineage import Stage
from media_ops.whole import Made, make_whole, observe

MOST_PACKAGES = 50
"""Newest packages of an hour whose objects are looked up, about 20 ms each: an hour of a thousand uploads
is reported in a second and not in twenty. Older ones of such an hour are not looked at."""


class Hour(msgspec.Struct, frozen=True):
    """What is shown of an hour of a stage."""

    stage: Stage
    hour: datetime
    metadata: describe.Metadata
    checks: list[checks.Check]

    def result(self) -> dg.MaterializeResult:
        """As the outcome of a run."""
        return dg.MaterializeResult(
            metadata=self.metadata, check_results=[check.result() for check in self.checks]
        )

    def events(self) -> list[dg.AssetMaterialization | dg.AssetCheckEvaluation]:
        """As run-less events: one materialisation and its check results."""
        return [
            dg.AssetMaterialization(self.stage, partition=key_of(self.hour), metadata=self.metadata),
            *(check.event(self.stage) for check in self.checks),
        ]

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


def report(stage: Stage, hour: datetime, ledger: Ledger, objects: Objects, pages: Pages) -> Hour:
    """What is there of an hour now, recorded and checked; enqueues nothing and waits for nothing."""

    async def work(connection: Connection) -> tuple[Made, Looked | None]:
        return await observe(connection, stage, hour), await _look(connection, stage, hour, objects)

    seen, looked = ledger.run(work)
    return _shown(stage, hour, seen, looked, pages, describe.numbers(seen.numbers, pages))


async def _look(connection: Connection, stage: Stage, hour: datetime, objects: Objects) -> Looked | None:
    match stage:
        case "sources":
            return None
        case "renditions":
            return await wrong_digests(connection, hour)
        case "packages":
            async with objects.open() as store:
                return await incomplete_packages(connection, store, hour, most=MOST_PACKAGES)


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
    judged = [checks.whole(made.waiting, pages)]
    if looked is not None:
        name, action = _NEXT_STEP[stage]
        judged.append(checks.broken(name, looked.at, looked.broken, action, pages))
    outcome = {check.name: dg.MetadataValue.bool(check.passed) for check in judged}
    return Hour(stage, hour, metadata | outcome, [check.of(key_of(hour)) for check in judged])
