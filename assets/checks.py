"""The asset checks: what must hold of an hour, and of everything at once.

Checks of an hour come back with its materialisation (checks with partitions of their own are a preview in
Dagster); the two of everything at once run by themselves on a schedule. What does not belong here: how
it is found out (``media_ops.integrity``, ``media_ops.whole``).
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

import dagster as dg
import msgspec

from assets.describe import MOST_LINKS, links
from assets.resources import Pages
from media_ops.integrity import OVERDUE, Looked
from media_ops.lineage import Stage
from media_ops.remake import BlastRadius
from media_ops.whole import Waiting

ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN


class Check(msgspec.Struct, frozen=True):
    """A check's outcome before it becomes a result of a run or an event of the sensor."""

    name: str
    passed: bool
    severity: dg.AssetCheckSeverity
    description: str
    metadata: dict[str, dg.MetadataValue | int]

    def result(self) -> dg.AssetCheckResult:
        """As part of a run's ``MaterializeResult``."""
        return dg.AssetCheckResult(
            check_name=self.name, passed=self.passed, severity=self.severity,
            description=self.description, metadata=self.metadata,
        )  # fmt: skip

    def event(self, stage: Stage) -> dg.AssetCheckEvaluation:
        """As a run-less event.

        Without the partition, which stands in the description: Dagster's PostgreSQL storage takes one
        run-less evaluation of a check and partition ever, and refuses the second (unique index on check,
        run id and partition, the run id of both being empty).
        """
        return dg.AssetCheckEvaluation(
            asset_key=dg.AssetKey(stage), check_name=self.name, passed=self.passed,
            severity=self.severity, description=self.description, metadata=self.metadata,
        )  # fmt: skip

    def of(self, partition: str) -> "Check":
        """The same, saying of which partition it is."""
        return msgspec.structs.replace(
            self,
            description=f"{partition}: {self.description}",
            metadata=self.metadata | {"partition": dg.MetadataValue.text(partition)},
        )


WHOLE = "whole"
DIGESTS = "digests_match_recipe"
COMPLETE = "complete_in_s3"

_SAYS = {
    WHOLE: "Every item of the hour is through this stage, or has its failure card.",
    DIGESTS: "The digest that names each rendition is that of its source, recipe and rung, computed anew.",
    COMPLETE: "Everything that a published manifest refers to is in the object store.",
}


def _specs(stage: Stage, *names: str) -> list[dg.AssetCheckSpec]:
    return [
        dg.AssetCheckSpec(name, asset=stage, description=_SAYS[name], blocking=name == WHOLE)
        for name in names
    ]


SPECS: dict[Stage, list[dg.AssetCheckSpec]] = {
    "sources": _specs("sources", WHOLE),
    "renditions": _specs("renditions", WHOLE, DIGESTS),
    "packages": _specs("packages", WHOLE, COMPLETE),
}


NOBODY_WORKS = "nobody_works"
_LOOK_AT_WORKERS = (
    "Nobody works on what is due: see whether the workers run (`mcsp status`) and what they say "
    "(`$MCSP_HOME/logs/worker-1.log`, `worker-2.log`); the jobs are in order and go on by themselves."
)
_LOOK_AT_JOBS = (
    "Look at media_ops.never_stuck; `mcsp jobs` shows the item's jobs, `mcsp jobs replay` repeats."
)
_LOOK_AT_SWEEPER = (
    "Uploads past their time do not end: see whether the sweeper runs (`mcsp status`) and what the store "
    "tells it (`$MCSP_HOME/logs/sweeper.log`, such as keys that it refuses); uploads.overdue names them."
)


def whole(waiting: Sequence[Waiting], pages: Pages) -> Check:
    """Whether an hour is whole.

    Work that goes on is a warning: the sensor reports the hour again when it is done. An item that nobody
    works on is an error: waiting will not bring it right.
    """
    stuck = [item for item in waiting if item.stuck]
    return Check(
        WHOLE, not waiting, ERROR if stuck else WARN, _said(waiting, stuck),
        {"waiting": len(waiting), "stuck": len(stuck),
         "items": links((item.media_id for item in stuck or waiting), pages)},
    )  # fmt: skip


def _said(waiting: Sequence[Waiting], stuck: Sequence[Waiting]) -> str:
    if stuck:
        return f"{len(stuck)} items are stuck. {next_step(item.stuck for item in stuck)}"
    if waiting:
        return f"{len(waiting)} items are being made; the sensor reports the hour again when they are done."
    return "Every item of the hour is through, or has its failure card."


def next_step(reasons: Iterable[str]) -> str:
    """What to do about what is stuck for these reasons (of ``media_ops.never_stuck``, or ``OVERDUE``)."""
    found = set(reasons)
    steps = [
        step for reason, step in ((NOBODY_WORKS, _LOOK_AT_WORKERS), (OVERDUE, _LOOK_AT_SWEEPER))
        if reason in found
    ]  # fmt: skip
    return " ".join([*steps, _LOOK_AT_JOBS] if found - {NOBODY_WORKS, OVERDUE} else steps)


def not_whole(waiting: Sequence[UUID], pages: Pages) -> Check:
    """Whether everything stale of a bucket is made anew; what is still being made is a warning."""
    said = f"{len(waiting)} items are still being made anew; the workers go on with them."
    return Check(
        WHOLE, not waiting, WARN, said if waiting else "Everything that was stale is made anew.",
        {"waiting": len(waiting), "items": links(waiting, pages)},
    )  # fmt: skip


def of_today(radius: BlastRadius, pages: Pages) -> Check:
    """Whether the living renditions of a bucket are those that today's recipe makes; a warning if not."""
    said = (
        f"{len(radius.stale)} of {radius.items} items are stale. To make them anew: `remakes`, same bucket."
    )
    return Check(
        DIGESTS, not radius.stale, WARN, said if radius.stale else f"All {radius.items} items are of today.",
        {"looked_at": radius.items, "stale": len(radius.stale),
         "items": links((item.media_id for item in radius.stale), pages)},
    )  # fmt: skip


def broken(name: str, looked: Looked, action: str, pages: Pages) -> Check:
    """A check that looked at things and found some broken or none; ``action`` is the next step."""
    listed = "\n".join(f"- `{item.what}`: {item.why}" for item in looked.broken[:MOST_LINKS]) or "none"
    return Check(
        name, not looked.found, ERROR, _of(looked, action),
        {"looked_at": looked.at, "broken": looked.found, "until": dg.MetadataValue.text(looked.until),
         "what": dg.MetadataValue.md(listed),
         "items": links(sorted({str(item.media_id) for item in looked.broken if item.media_id}), pages)},
    )  # fmt: skip


def _of(looked: Looked, action: str) -> str:
    rest = " The look is not through yet and goes on by itself." if looked.until else ""
    if looked.found:
        return f"{looked.found} of {looked.at} are broken. {action}{rest}"
    return f"The first {looked.at} are right.{rest}" if rest else f"All {looked.at} are right."
