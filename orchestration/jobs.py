"""The jobs: which assets and checks run together.

What does not belong here: when they run (``schedules``).
"""

import dagster as dg

from assets.checks import SPECS
from assets.partitions import STAGES
from assets.state_checks import NEVER_STUCK, NO_ORPHANS

MAKE_HOUR_WHOLE = dg.define_asset_job(
    "make_hour_whole",
    selection=dg.AssetSelection.assets(*STAGES).without_checks()
    | dg.AssetSelection.checks(*(spec.key for specs in SPECS.values() for spec in specs)),
    description="An hour of sources, renditions, packages: enqueue what is missing, wait, record, check.",
)

CHECK_NEVER_STUCK = dg.define_asset_job(
    "check_never_stuck",
    selection=dg.AssetSelection.checks(dg.AssetCheckKey(dg.AssetKey("sources"), NEVER_STUCK)),
    description="Is any item stuck? One query over the ledger.",
)

CHECK_ORPHANS = dg.define_asset_job(
    "check_orphans",
    selection=dg.AssetSelection.checks(dg.AssetCheckKey(dg.AssetKey("packages"), NO_ORPHANS)),
    description="Does an object lie in the media bucket that no row knows? Looks at its next part.",
)

PLAN_REMAKES = dg.define_asset_job(
    "plan_remakes",
    selection=dg.AssetSelection.assets("remake_plan"),
    description="The dry run: what would today's recipe make anew in a bucket? Launch it for all 64 buckets.",
)

REMAKE = dg.define_asset_job(
    "remake",
    selection=dg.AssetSelection.assets("remake_plan", "remakes"),
    description="Make anew what today's recipe changes in a bucket, and only that. See plan_remakes first.",
)

JOBS = [MAKE_HOUR_WHOLE, PLAN_REMAKES, REMAKE, CHECK_NEVER_STUCK, CHECK_ORPHANS]
