"""What is made of a source: recipe, rungs, the segment grid, and the digest that names a rendition.

What does not belong here: choosing the rungs (``ladder``) and making them (``produce``).
"""

import hashlib
from collections.abc import Mapping
from typing import Literal

import msgspec

from mcsp.contracts.media import JobKind, Lane
from media_ops.description import Rate


class Recipe(msgspec.Struct, frozen=True):
    """A named way to make renditions.

    A new version re-makes exactly the rungs that it changes (``name_rungs``). A change that no field of a
    rung shows, such as a bug of the encoder that was mended, needs a field that does.
    """

    name: str
    version: int

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"

    @classmethod
    def parse(cls, text: str) -> "Recipe":
        """The recipe that ``name@version`` names; raises ValueError where that is something else."""
        name, _, version = text.rpartition("@")
        return cls(name, int(version))


STANDARD = Recipe("standard", 1)


class Rung(msgspec.Struct, frozen=True, kw_only=True):
    """One rendition to be made; all of it is covered by the digest. Bitrates in bits per second."""

    name: str
    """Unique in an item: ``720p``, ``audio-128k``."""
    kind: Literal["video", "audio"]
    mode: Literal["copy", "encode"]
    codec: Literal["h264", "aac"]
    bitrate: int
    """Bits per second: the ceiling of an encode, the stated rate of a copy."""
    stream: int
    """Index of the source stream it is made of."""
    width: int | None = None
    height: int | None = None
    frame_rate: Rate | None = None
    crf: int | None = None
    preset: str | None = None
    channels: int | None = None
    sample_rate: int | None = None


class Grid(msgspec.Struct, frozen=True, kw_only=True):
    """Where video segments begin: the same in every attempt and every rung.

    ``source``: at ``times_s`` (seconds after time 0; the source's own keyframes). ``fixed``: every
    ``frames`` frames of ``rate``. Audio always has its own fixed grid of codec frames.
    """

    kind: Literal["source", "fixed"]
    target_s: int
    """EXT-X-TARGETDURATION (RFC 8216 4.3.3.1): no segment rounds to more seconds than this."""
    rate: Rate | None = None
    frames: int = 0
    times_s: tuple[float, ...] = ()


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Rungs that one job makes from one decode."""

    kind: JobKind
    lane: Lane
    slot: Literal["quick", "encode"]
    first: bool
    """True for the group that makes the item playable: it runs before the others."""
    rungs: tuple[Rung, ...]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """All work on one source, the order of ``groups`` being the order of usefulness."""

    kind: Literal["video", "audio"]
    recipe: Recipe
    grid: Grid
    groups: tuple[Group, ...]
    left_out: tuple[str, ...] = ()
    """Names of rungs that the source would have, were it not too long for a job to make them."""

    @property
    def rungs(self) -> tuple[Rung, ...]:
        return tuple(rung for group in self.groups for rung in group.rungs)


def rendition_digest(etag: str, size: int, recipe: Recipe, rung: Rung) -> str:
    """The name of a rendition in keys: SHA-256 over source and recipe, its first 128 bits in hex.

    Covers the source (S3 ETag, size in bytes), the recipe's name and version, and the whole rung, so
    the same work has the same keys and a changed rung has new ones.
    """
    claim = {"source": [etag.strip('"'), size], "recipe": recipe, "rung": rung}
    return hashlib.sha256(msgspec.json.encode(claim, order="sorted")).hexdigest()[:32]


def name_rungs(
    plan: Plan, etag: str, size: int, *, grid: Grid | None = None, made: Mapping[str, Rung] | None = None
) -> dict[str, str]:
    """The rendition digest of each rung of a plan, by the rung's name.

    ``made``: what is there of the source on ``grid``, by digest. A rung that the plan leaves as it was keeps
    its digest whatever the recipe's version, so that it is not made again; on another grid none can stay.
    """
    kept = {rung: digest for digest, rung in (made or {}).items()} if grid == plan.grid else {}
    return {
        rung.name: kept.get(rung) or rendition_digest(etag, size, plan.recipe, rung) for rung in plan.rungs
    }
