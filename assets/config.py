"""What a person may say when materialising an hour by hand.

What does not belong here: settings of a deployment (``mcsp.settings``).
"""

import dagster as dg
from pydantic import Field


class Bounds(dg.Config):
    """How long to wait for the workers. When the bound is reached the run ends and says what is missing."""

    wait_s: float = Field(
        default=900.0,
        ge=0,
        le=6 * 3600,
        description="Seconds to wait for the workers; they go on with their work whatever this run does.",
    )
