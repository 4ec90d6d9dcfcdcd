"""What the media assets have in common: group, owners, tags, pools.

What does not belong here: anything one asset alone needs.
"""

from datetime import timedelta
from typing import TypedDict

import dagster as dg

LEDGER_POOL = "media_ledger"
"""Runs that wait on the ledger's workers. The instance's ``pools.default_limit`` bounds how many wait at
once: they cost a connection each and no CPU; the work is bounded by the workers, not here."""


class Common(TypedDict):
    """Arguments of ``dg.asset`` that are the same for every media asset."""

    group_name: str
    owners: list[str]
    tags: dict[str, str]


class Hourly(Common):
    """The same for an asset of which each hour brings a partition."""

    freshness_policy: dg.FreshnessPolicy


FRESH = dg.FreshnessPolicy.time_window(warn_window=timedelta(hours=2), fail_window=timedelta(hours=3))
"""The schedule materialises each closed hour, also one without uploads: after 60 minutes, and under a backlog
up to 45 more (three assets that wait 15 each). What is older was missed, of two hours in a row it failed."""

MEDIA: Hourly = {
    "group_name": "media", "owners": ["team:media"], "tags": {"domain": "media"}, "freshness_policy": FRESH
}  # fmt: skip
REMAKES: Common = {"group_name": "remakes", "owners": ["team:media"], "tags": {"domain": "media"}}
