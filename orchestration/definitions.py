"""The entry that ``workspace.yaml`` names."""

import dagster as dg

from orchestration.build import build_defs


@dg.definitions
def defs() -> dg.Definitions:
    """Everything Dagster knows of MCSP; see ``build``."""
    return build_defs()
