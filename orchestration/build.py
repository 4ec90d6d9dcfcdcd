"""Puts the definitions together; a test or a special deployment overrides a resource without patching.

What does not belong here: anything that could stand beside its own noun.
"""

from collections.abc import Mapping

import dagster as dg

from assets.packages import packages
from assets.remakes import remake_plan, remakes
from assets.renditions import renditions
from assets.sources import sources
from assets.state_checks import never_stuck, no_orphan_objects
from mcsp.settings import settings
from orchestration.jobs import JOBS
from orchestration.resources import resources as usual_resources
from orchestration.schedules import SCHEDULES
from orchestration.sensors import SENSORS

ASSETS = [sources, renditions, packages, remake_plan, remakes]
CHECKS = [never_stuck, no_orphan_objects]


def build_defs(
    *,
    resources: Mapping[str, object] | None = None,
    executor: dg.ExecutorDefinition | None = None,
) -> dg.Definitions:
    """Everything Dagster knows of MCSP.

    ``resources`` replaces the usual ones by name. ``executor``: in-process unless said otherwise, since the
    steps only wait, and a process a step costs about 4 s of CPU.
    """
    return dg.Definitions(
        assets=ASSETS,
        asset_checks=CHECKS,
        jobs=JOBS,
        schedules=SCHEDULES,
        sensors=SENSORS,
        resources={**usual_resources(settings()), **(resources or {})},
        executor=executor or dg.in_process_executor,
    )
