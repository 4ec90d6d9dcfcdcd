"""The assets ``remake_plan`` and ``remakes``: what a changed recipe makes stale, and making it anew.

What does not belong here: what is stale and how it is made (``media_ops.remake``).
"""

import dagster as dg

from assets import describe
from assets.checks import DIGESTS, WHOLE, not_whole, of_today
from assets.common import LEDGER_POOL, REMAKES
from assets.config import Bounds
from assets.partitions import REMAKE_BUCKETS
from assets.resources import Ledger, Pages
from media_ops.remake import BlastRadius, blast_radius, remake


@dg.asset(
    deps=[dg.AssetDep("renditions", partition_mapping=dg.AllPartitionMapping())],
    partitions_def=REMAKE_BUCKETS,
    kinds={"postgres"},
    code_version="1",
    pool=LEDGER_POOL,
    check_specs=[
        dg.AssetCheckSpec(
            DIGESTS,
            asset="remake_plan",
            description="The digests of the living renditions are those that today's recipe gives them.",
        )
    ],
    **REMAKES,
)
def remake_plan(context: dg.AssetExecutionContext, ledger: Ledger, pages: Pages) -> dg.MaterializeResult:
    """What today's recipe would make anew in one of 64 buckets of items: the dry run of `remakes`.

    Changes nothing. Compares each item's plan under today's recipe with its living renditions and shows the
    blast radius: how many items and renditions, seconds of media to encode, bytes that go. Materialise all
    buckets (a backfill) after a recipe changed, look at the numbers, then decide on `remakes`.
    """
    bucket = int(context.partition_key)
    radius = ledger.run(lambda connection: blast_radius(connection, bucket))
    return dg.MaterializeResult(
        metadata=_radius(radius, pages), check_results=[of_today(radius, pages).result()]
    )


@dg.asset(
    deps=[remake_plan],
    partitions_def=REMAKE_BUCKETS,
    kinds={"ffmpeg", "s3"},
    code_version="1",
    pool=LEDGER_POOL,
    check_specs=[
        dg.AssetCheckSpec(WHOLE, asset="remakes", description="Everything that was stale is made anew.")
    ],
    **REMAKES,
)
def remakes(
    context: dg.AssetExecutionContext, config: Bounds, ledger: Ledger, pages: Pages
) -> dg.MaterializeResult:
    """Renditions made anew because the recipe changed, in one of 64 buckets of items; only those that the
    change concerns. See `remake_plan` first: it shows what this would do.

    Stale items are planned again by the workers; renditions that the recipe leaves as they were stay, the
    others are superseded. Viewers keep the old ones until all of an item is made. Waits for the workers
    (`wait_s` seconds at most); doing it twice does nothing the second time.
    """
    bucket = int(context.partition_key)
    done = ledger.run(lambda connection: remake(connection, bucket, wait_s=config.wait_s))
    return dg.MaterializeResult(
        metadata=_radius(done.radius, pages)
        | {
            "items_planned_again": dg.MetadataValue.int(done.planned),
            "waited_seconds": dg.MetadataValue.float(done.waited_s),
        },
        check_results=[not_whole(done.waiting, pages).result()],
    )


def _radius(radius: BlastRadius, pages: Pages) -> describe.Metadata:
    rungs = "\n".join(f"| {name} | {count} |" for name, count in sorted(radius.make.items()))
    return {
        "items": dg.MetadataValue.int(radius.items),
        "items_stale": dg.MetadataValue.int(len(radius.stale)),
        "renditions_to_make": dg.MetadataValue.int(radius.make.total()),
        "renditions_kept": dg.MetadataValue.int(radius.kept),
        "media_seconds_to_make": dg.MetadataValue.float(round(radius.media_s, 3)),
        "bytes_superseded": dg.MetadataValue.int(radius.dropped_bytes),
        "by_rung": dg.MetadataValue.md(f"| rung | renditions |\n|---|---:|\n{rungs}" if rungs else "none"),
        "examples": describe.links((item.media_id for item in radius.stale), pages),
    }
