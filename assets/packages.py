"""The asset ``packages``: the manifests that players are given."""

import dagster as dg

from assets.checks import SPECS
from assets.common import LEDGER_POOL, MEDIA
from assets.config import Bounds
from assets.hours import materialise
from assets.partitions import HOURS
from assets.resources import Ledger, Objects, Pages


@dg.asset(
    deps=["renditions"],
    partitions_def=HOURS,
    kinds={"hls", "dash", "s3"},
    code_version="1",
    pool=LEDGER_POOL,
    check_specs=SPECS["packages"],
    metadata={"rows": "media_ops.package_lineage", "objects": "mcsp-media/media/{media_id}/m{version}/"},
    **MEDIA,
)
def packages(
    context: dg.AssetExecutionContext, config: Bounds, ledger: Ledger, objects: Objects, pages: Pages
) -> dg.MaterializeResult:
    """The newest manifest version of each item of the hour: HLS and DASH over the same segments, rendered
    from rows. A version is a fixed set of renditions; a further rendition makes a further version.

    **Who makes it.** Workers, from the first segment on: an item is playable while it is still being made.
    The sensor `media_lifecycle` reports the hour here, without a run. Materialising an hour yourself
    enqueues what is missing, waits until each item's manifest is finished or the item has its failure card
    (`wait_s` seconds at most), and looks up in the store what the manifests refer to.
    """
    return materialise(context, "packages", config.wait_s, ledger, objects, pages)
