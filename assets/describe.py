"""How an hour looks in Dagster's UI: numbers with units, a table of examples, links to the pages.

Used alike by the assets and by the sensor, so that an hour looks the same whoever brought it about.
What does not belong here: getting the numbers (``media_ops.lineage``) and judging them (``checks``).
"""

from collections.abc import Iterable, Sequence

import dagster as dg

from assets.resources import Pages
from media_ops.lineage import Example, Numbers
from media_ops.whole import Made

Metadata = dict[str, dg.MetadataValue]

MOST_LINKS = 20


def numbers(found: Numbers, pages: Pages) -> Metadata:
    """Numbers of an hour as metadata; the unit stands in the name."""
    shown: Metadata = {
        "items": dg.MetadataValue.int(found.items),
        "finished": dg.MetadataValue.int(found.finished),
        "failed": dg.MetadataValue.int(found.failed),
        "media_seconds": dg.MetadataValue.float(round(found.media_s, 3)),
        "bytes": dg.MetadataValue.int(found.bytes),
        "studio": dg.MetadataValue.url(pages.studio),
    }
    if found.first_playable_p50_s is not None and found.first_playable_max_s is not None:
        shown["first_playable_p50_seconds"] = dg.MetadataValue.float(round(found.first_playable_p50_s, 3))
        shown["first_playable_max_seconds"] = dg.MetadataValue.float(round(found.first_playable_max_s, 3))
    if found.examples:
        shown["examples"] = dg.MetadataValue.md(table(found.examples, pages))
    return shown


def made(outcome: Made, pages: Pages) -> Metadata:
    """Metadata of an hour that was made whole: its numbers and what it took."""
    return numbers(outcome.numbers, pages) | {
        "jobs_enqueued": dg.MetadataValue.int(outcome.enqueued),
        "lineage_rows_changed": dg.MetadataValue.int(outcome.recorded),
        "waited_seconds": dg.MetadataValue.float(outcome.waited_s),
    }


def table(examples: Sequence[Example], pages: Pages) -> str:
    """A Markdown table with a watch link a row."""
    head = "| item | name | state | media s | bytes |\n|---|---|---|---:|---:|\n"
    return head + "\n".join(_row(example, pages) for example in examples)


def links(media_ids: Iterable[object], pages: Pages) -> dg.MetadataValue:
    """A Markdown list of watch links, at most ``MOST_LINKS``."""
    shown = [f"- [{media_id}]({pages.watch(media_id)})" for media_id in media_ids]
    return dg.MetadataValue.md("\n".join(shown[:MOST_LINKS]) or "none")


def _row(example: Example, pages: Pages) -> str:
    seconds = "" if example.media_s is None else f"{example.media_s:.1f}"
    size = "" if example.bytes is None else str(example.bytes)
    link = f"[{str(example.media_id)[:13]}…]({pages.watch(example.media_id)})"
    return f"| {link} | {_plain(example.name)} | {example.state} | {seconds} | {size} |"


def _plain(name: str) -> str:
    """A creator's file name as inert text: it must not become markup or a link in an engineer's browser."""
    shown = "".join(letter if letter.isalnum() or letter in " .-_()" else "·" for letter in name)
    return shown[:80]
