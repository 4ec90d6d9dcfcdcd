"""The sensors: what is done when something happened.

What does not belong here: reading the topic (``lifecycle``) and what an hour shows (``assets.hours``).
"""

import dagster as dg

from assets.hours import report
from assets.partitions import key_of
from assets.resources import Ledger, Objects, Pages
from assets.state_checks import stuck
from mcsp.errors import UnavailableError
from orchestration.lifecycle import Cursor, LifecycleTopic

EVERY_S = 15
"""Seconds between ticks. Each changed hour costs some run-less events of 12 ms and a second of lookups;
an uploader watches the studio and not Dagster, so nothing is won by more haste."""


@dg.sensor(
    name="media_lifecycle",
    minimum_interval_seconds=EVERY_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    asset_selection=["sources", "renditions", "packages"],
    description=(
        "Workers made something: one materialisation per changed hour and asset a tick, without a run, from "
        "Kafka's media.lifecycle on. A server that does not answer leaves the cursor where it is."
    ),
)
def media_lifecycle(
    context: dg.SensorEvaluationContext,
    lifecycle: LifecycleTopic,
    ledger: Ledger,
    objects: Objects,
    pages: Pages,
) -> dg.SensorResult | dg.SkipReason:
    """Read on from the cursor, within the bounds of ``lifecycle``, and report each changed hour once."""
    try:
        step = lifecycle.read(Cursor.parse(context.cursor))
        hours = [report(stage, hour, ledger, objects, pages) for stage, hour in step.changed]
    except UnavailableError as error:
        return dg.SkipReason(f"{error} The cursor stays; the next tick tries again.")
    if step.unreadable:
        context.log.warning(f"{step.unreadable} messages of media.lifecycle cannot be read; passed over.")
    context.log.info(f"{step.messages} messages changed {[f'{h.stage} {key_of(h.hour)}' for h in hours]}")
    if not hours:
        context.update_cursor(str(step.cursor))
        return dg.SkipReason("Nothing new on media.lifecycle.")
    # What is not right comes last: Dagster shows the newest result of a check.
    hours.sort(key=lambda hour: not hour.right)
    events = [event for hour in hours for event in hour.events()]
    events.append(stuck(ledger, pages).event("sources"))
    return dg.SensorResult(asset_events=events, cursor=str(step.cursor))


SENSORS = [media_lifecycle]
