"""What the media assets have in common: group, owners, tags, pools.

What does not belong here: anything one asset alone needs.
"""

from typing import TypedDict

LEDGER_POOL = "media_ledger"
"""Runs that wait on the ledger's workers. The instance's ``pools.default_limit`` bounds how many wait at
once: they cost a connection each and no CPU; the work is bounded by the workers, not here."""


class Common(TypedDict):
    """Arguments of ``dg.asset`` that are the same for every media asset."""

    group_name: str
    owners: list[str]
    tags: dict[str, str]


MEDIA: Common = {"group_name": "media", "owners": ["team:media"], "tags": {"domain": "media"}}
REMAKES: Common = {"group_name": "remakes", "owners": ["team:media"], "tags": {"domain": "media"}}
