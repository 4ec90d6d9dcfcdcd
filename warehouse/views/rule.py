"""The view rule, in words and as numbers: the one place that says what counts. SQL is made from it (``sql``).

A changed rule is a new ``Rule`` with the next version beside the old one, never an edit: numbers that were
given out name their version. What does not belong here: how events are stored, and who may ask.
"""

from dataclasses import dataclass

Reason = str
BOT, OWN, SHORT, REPEAT = "bot_agent", "own_play", "too_short", "repeat"
REASONS: tuple[Reason, ...] = (BOT, OWN, SHORT, REPEAT)
"""Why a play is no view, in the order in which they are asked: the first that holds is the reason."""


@dataclass(frozen=True)
class Rule:
    """One version of the rule. Media time and real time in whole milliseconds, rates in hundredths."""

    version: int
    enough_ms: int
    """A play counts from this much watched media time on …"""
    short_item_ms: int
    """… except for items shorter than this, where half of the item is enough."""
    repeat_ms: int
    """A view by the same viewer of the same item needs this distance to their last one, counted or not."""
    slack_ms: int
    """How much longer than the server's clock a play may seem: network and the player's own buffer."""
    fastest: int
    """No more media time is believed than real time × this."""
    slowest_rate: int
    fastest_rate: int
    """Rates that players tell are held within these (hundredths of normal speed)."""
    longest_ms: int
    """Media positions beyond this are held at it, where the item's own length is not known."""


RULE_1 = Rule(
    version=1,
    enough_ms=30_000,
    short_item_ms=60_000,
    repeat_ms=30 * 60_000,
    slack_ms=5_000,
    fastest=4,
    slowest_rate=25,
    fastest_rate=400,
    longest_ms=7 * 86_400_000,
)
CURRENT = RULE_1

WORDS: dict[int, tuple[str, ...]] = {
    1: (
        "A play is what one session of playback makes. It belongs to the hour and day in which it started, "
        "by the server's clock.",
        "Watched is the union of the parts of the item that were played: a part seen twice is seen once. "
        "Parts beyond the item's end are cut off.",
        "No more is believed than time allows: at most four times the time between the start of the play and "
        "the last event that arrived for it, plus five seconds.",
        "A play is a view when at least 30 seconds were watched, or half of an item that is shorter than a "
        "minute.",
        "Not counted, for the first of these reasons that holds: a known bot (bot_agent), the owner's own "
        "play (own_play), too little watched (too_short), the same viewer less than 30 minutes after the "
        "start of their last play of this item that was long enough (repeat).",
        "Watch time is the watched part of every play but a bot's, divided by the speed at which it was "
        "played, and never more than the time that passed plus five seconds.",
        "Unique viewers are the pseudonyms among the counted views. Somebody who is not logged in has a new "
        "pseudonym at each play.",
        "An event that arrives twice counts once; if one id comes with different content, the first counts.",
    ),
}
"""The same for people, by version; ``docs/metrics.md`` and the pages say no other."""
