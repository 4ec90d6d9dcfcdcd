"""The asset ``sources``: what creators uploaded, inspected."""

import dagster as dg

from assets.checks import SPECS
from assets.common import LEDGER_POOL, MEDIA
from assets.config import Bounds
from assets.hours import materialise
from assets.partitions import HOURS
from assets.resources import Ledger, Objects, Pages


@dg.asset(
    partitions_def=HOURS,
    kinds={"postgres", "s3"},
    code_version="1",
    pool=LEDGER_POOL,
    check_specs=SPECS["sources"],
    metadata={"rows": "media_ops.source_lineage", "objects": "mcsp-source/uploads/{media_id}/{upload_id}"},
    **MEDIA,
)
def sources(
    context: dg.AssetExecutionContext, config: Bounds, ledger: Ledger, objects: Objects, pages: Pages
) -> dg.MaterializeResult:
    """Files that creators uploaded, by the UTC hour in which their upload was completed; one row an item
    and version, with what inspection found: streams, length, kind, or the failure card.

    **Who makes it.** Workers inspect a file within a second of its upload; the sensor `media_lifecycle`
    then reports the hour here, without a run. Materialising an hour yourself enqueues only the inspections
    that are missing, waits for the workers (`wait_s` seconds at most), and records the lineage in
    `media_ops.item_lineage`. Doing it twice does nothing the second time.
    """
    return materialise(context, "sources", config.wait_s, ledger, objects, pages)
