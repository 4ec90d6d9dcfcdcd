"""The values of the resources, from the environment of the process that runs the code.

Secrets are named and not copied: Dagster's UI shows the name of the variable. What does not belong here:
the kinds of resources (``assets.resources``).
"""

import dagster as dg

from assets.resources import Ledger, Objects, Pages
from mcsp.settings import Settings
from orchestration.lifecycle import LifecycleTopic


def resources(settings: Settings) -> dict[str, dg.ConfigurableResource]:
    """Every resource that assets, checks and sensors ask for, by the name they ask with."""
    return {
        "ledger": Ledger(dsn=dg.EnvVar("MCSP_DSN__PIPELINES")),
        "objects": Objects(
            endpoint=settings.s3.endpoint,
            region=settings.s3.region,
            access_key=dg.EnvVar("MCSP_S3__ACCESS_KEY"),
            secret_key=dg.EnvVar("MCSP_S3__SECRET_KEY"),
            bucket_media=settings.s3.bucket_media,
        ),
        "pages": Pages(url=settings.api_url),
        "lifecycle": LifecycleTopic(bootstrap=settings.kafka_bootstrap),
    }
