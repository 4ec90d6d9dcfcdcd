"""Checks of everything at once, run by themselves: nothing is stuck, nothing lies about.

What does not belong here: checks of one hour (``hours``), and when these run (``orchestration.schedules``).
"""

import dagster as dg

from assets import checks
from assets.resources import Ledger, Objects, Pages
from mcsp.database.pool import Connection
from media_ops.integrity import Looked, orphan_objects, overdue_uploads, stuck_items

NEVER_STUCK = "never_stuck"
NO_ORPHANS = "no_orphan_objects"

MOST_OBJECTS = 50_000
"""Objects looked at by one evaluation (50 pages of a listing, some seconds); the next one goes on there."""


def stuck(ledger: Ledger, pages: Pages) -> checks.Check:
    """Whether any item is stuck or any upload cannot end, as a check of everything at once."""
    items, uploads = ledger.run(stuck_items), ledger.run(overdue_uploads)
    action = checks.next_step(one.what for one in (*items.broken, *uploads.broken))
    return checks.broken(NEVER_STUCK, items.then(uploads), action, pages)


@dg.asset_check(asset="sources", name=NEVER_STUCK)
def never_stuck(ledger: Ledger, pages: Pages) -> dg.AssetCheckResult:
    """Every item is playable, failed with a card, held by a person, or has a live lease or a due time; every
    upload ends with its time."""
    return stuck(ledger, pages).result()


@dg.asset_check(asset="packages", name=NO_ORPHANS)
def no_orphan_objects(
    context: dg.AssetCheckExecutionContext, ledger: Ledger, objects: Objects, pages: Pages
) -> dg.AssetCheckResult:
    """Every object of the media bucket older than an hour belongs to a row. Each evaluation looks at the
    next part of the bucket and remembers in `until` where it stopped."""
    after = _until(context.instance)

    async def work(connection: Connection) -> Looked:
        async with objects.open() as store:
            return await orphan_objects(
                connection, store, objects.bucket_media, after=after, most=MOST_OBJECTS
            )

    looked = ledger.run(work)
    action = "They cost money and are never served; delete them once you know which write left them."
    found = checks.broken(NO_ORPHANS, looked, action, pages).result()
    return found._replace(metadata={**found.metadata, "after": after})


def _until(instance: dg.DagsterInstance) -> str:
    """Where the last evaluation stopped; "" where there was none or it reached the end."""
    key = dg.AssetCheckKey(dg.AssetKey("packages"), NO_ORPHANS)
    for record in instance.event_log_storage.get_asset_check_execution_history(key, limit=10):
        if isinstance(record.evaluation, dg.AssetCheckEvaluation):  # the running one is only planned
            until = record.evaluation.metadata.get("until")
            return until.value if isinstance(until, dg.TextMetadataValue) and until.value else ""
    return ""
