"""The asset ``renditions``: the rungs that are made of the sources."""

import dagster as dg

from assets.checks import SPECS
from assets.common import LEDGER_POOL, MEDIA
from assets.config import Bounds
from assets.hours import materialise
from assets.partitions import HOURS
from assets.resources import Ledger, Objects, Pages


@dg.asset(
    deps=["sources"],
    partitions_def=HOURS,
    kinds={"ffmpeg", "s3"},
    code_version="1",
    pool=LEDGER_POOL,
    check_specs=SPECS["renditions"],
    metadata={
        "rows": "media_ops.rendition_lineage",
        "objects": "mcsp-media/media/{media_id}/{digest}/{n}.m4s",
    },
    **MEDIA,
)
def renditions(
    context: dg.AssetExecutionContext, config: Bounds, ledger: Ledger, objects: Objects, pages: Pages
) -> dg.MaterializeResult:
    """Rungs made of the sources of the hour: CMAF segments at one bit rate and size, or of one audio
    quality. A rendition is named by a digest of its source, its recipe and its rung, so the same work has
    the same name and is done once.

    **Who makes it.** Workers, the first playable rung first; the sensor `media_lifecycle` reports the hour
    here, without a run. Materialising an hour yourself enqueues only the jobs that are missing and waits
    for the workers (`wait_s` seconds at most). A failed rung does not hold back the others. To make
    renditions anew after a recipe changed, see `remake_plan` and `remakes`.
    """
    return materialise(context, "renditions", config.wait_s, ledger, objects, pages)
