"""How pages say things: lengths, ages, shapes of the stage, states of an item. Pure functions."""

from datetime import datetime

import msgspec

_STEPS = ((86400 * 365, "year"), (86400 * 30, "month"), (86400 * 7, "week"), (86400, "day"), (3600, "hour"))


class Say(msgspec.Struct, frozen=True):
    """What stands on the stage instead of a player; ``working``: it changes by itself."""

    heading: str
    text: str
    working: bool = False


def clock(seconds: float | None) -> str:
    """A length as people write it, such as 4:07 or 1:02:33; empty where it is unknown."""
    if seconds is None:
        return ""
    whole = max(0, round(seconds))
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def age(then: datetime, now: datetime) -> str:
    """How long ago, in one unit."""
    seconds = (now - then).total_seconds()
    for size, unit in _STEPS:
        count = int(seconds // size)
        if count >= 1:
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    minutes = int(seconds // 60)
    return f"{minutes} minute{'s' if minutes > 1 else ''} ago" if minutes >= 1 else "just now"


def shape(kind: str | None, width: int | None, height: int | None) -> str:
    """The class of the stage whose shape comes nearest, so that nothing moves when the picture arrives."""
    if kind == "audio":
        return "sound"
    if not width or not height:
        return ""
    ratio = width / height
    bounds = ((0.9, "tall"), (1.15, "square"), (1.5, "four-three"), (2.05, ""))
    return next((name for limit, name in bounds if ratio < limit), "wide")


def on_stage(status: str) -> Say | None:
    """What a viewer reads while there is nothing to play; None where there is."""
    if status in ("playable", "ready"):
        return None
    if status in ("inspecting", "processing"):
        return Say("Nearly there", "This is being prepared and starts here by itself.", working=True)
    if status == "uploading":
        return Say(
            "Still arriving", "The file is still being uploaded. It starts here once it is in.", working=True
        )
    if status in ("held", "rejected"):
        return Say("Not available", "This item is not available. Only its owner can do something about that.")
    return Say(
        "This item cannot be played",
        "The file could not be turned into something that plays. Its owner sees in the studio what to do.",
    )
