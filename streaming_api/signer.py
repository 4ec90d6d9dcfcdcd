"""Signed paths: one signature of an item's prefix opens every object of that item until it expires.

``PathSigner`` is the interface; ``HmacSigner`` is the form our PoPs check (docs/architecture.md). Token forms
of other CDNs stand beside it when there is one. What does not belong here: who may have a signature.
"""

import base64
import hashlib
import hmac
import math
from typing import Protocol
from uuid import UUID

BEYOND_DURATION_S = 4 * 3600
"""A viewer may pause for as long as this; the page renews its address before the end."""
LONGEST_S = 24 * 3600
STEP_S = 600
"""Expiries are multiples of this, so that a second play within minutes has the same addresses, and a
browser's own cache serves it."""


class PathSigner(Protocol):
    """Makes the address of an item's prefix."""

    def base(self, media_id: UUID, expires: int) -> str:
        """The public address that ``media/{media_id}/`` has until ``expires`` (Unix seconds), without a
        trailing slash; object names are appended to it."""
        ...


class HmacSigner:
    """``{media_url}/b/{expires}/{signature}/media/{media_id}`` with HMAC-SHA256."""

    def __init__(self, media_url: str, key: str) -> None:
        self._url = media_url.rstrip("/")
        self._mac = hmac.new(key.encode(), digestmod=hashlib.sha256)

    def base(self, media_id: UUID, expires: int) -> str:
        mac = self._mac.copy()
        mac.update(f"{expires} media/{media_id}/".encode())
        signature = base64.urlsafe_b64encode(mac.digest()).decode().rstrip("=")
        return f"{self._url}/b/{expires}/{signature}/media/{media_id}"


def expiry(now: float, duration_s: float | None) -> int:
    """When an address handed out at ``now`` expires: the item's duration and 4 h later, at most 24 h.

    Rounded to ``STEP_S``: up, but never past 24 h. An unknown duration (still growing) counts as 0.
    """
    wanted = now + (duration_s or 0) + BEYOND_DURATION_S
    rounded_up = math.ceil(wanted / STEP_S) * STEP_S
    return min(rounded_up, math.floor((now + LONGEST_S) / STEP_S) * STEP_S)
