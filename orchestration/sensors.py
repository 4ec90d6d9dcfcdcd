"""The sensors: what is done when something happened.

What does not belong here: reading the topic (``lifecycle``) and what an hour shows (``assets.hours``).
"""

from collections.abc import Mapping, Sequence

import dagster as dg

from assets.hours import Hour, look_on, report
from assets.partitions import FIRST_HOUR, hour_of_key, key_of
from assets.resources import Ledger, Objects, Pages
from assets.state_checks import stuck
from mcsp.errors import UnavailableError
from orchestration.lifecycle import Changed, Cursor, LifecycleTopic
from orchestration.looks import LOOK_S, MOST_GOING_ON, Look, with_news

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
    cursor = Cursor.parse(context.cursor)
    try:
        step = lifecycle.read(cursor)
        changed = [change for change in step.changed if change[1] >= FIRST_HOUR]
        hours, looks = _reported(cursor.looks, changed, ledger, objects, pages)
    except UnavailableError as error:
        return dg.SkipReason(f"{error} The cursor stays; the next tick tries again.")
    if step.unreadable:
        context.log.warning(f"{step.unreadable} messages of media.lifecycle cannot be read; passed over.")
    if early := len(step.changed) - len(changed):
        context.log.warning(f"{early} hours before {key_of(FIRST_HOUR)} passed over: see MCSP_FIRST_HOUR.")
    context.log.info(f"{step.messages} messages changed {[f'{h.stage} {key_of(h.hour)}' for h in hours]}")
    after = str(Cursor(step.offsets, looks))
    if not hours:
        context.update_cursor(after)
        return dg.SkipReason("Nothing new on media.lifecycle.")
    # What is not right comes last: Dagster shows the newest result of a check.
    hours.sort(key=lambda hour: not hour.right)
    events = [event for hour in hours for event in hour.events()]
    events.append(stuck(ledger, pages).event("sources"))
    return dg.SensorResult(asset_events=events, cursor=after)


def _reported(
    under_way: Mapping[str, Look], changed: Sequence[Changed], ledger: Ledger, objects: Objects, pages: Pages
) -> tuple[list[Hour], dict[str, Look]]:
    """Each changed hour, and further portions of looks under way; and the looks that are not through then."""
    looks = with_news(under_way, changed)
    new = [key_of(hour) for stage, hour in changed if stage == "packages"]
    going_on = [key for key in under_way if key not in new][:MOST_GOING_ON]
    share = LOOK_S / max(1, len(new) + len(going_on))
    hours = [
        report(stage, hour, ledger, objects, pages, so_far=looks[key_of(hour)].looked, within_s=share)
        if stage == "packages"
        else report(stage, hour, ledger, objects, pages)
        for stage, hour in changed
    ]
    hours += [
        look_on(hour_of_key(key), ledger, objects, pages, so_far=looks[key].looked, within_s=share)
        for key in going_on
    ]
    for hour in hours:
        if hour.stage == "packages" and hour.looked is not None:
            key = key_of(hour.hour)
            # Put behind the others, so that each has its turn.
            if (look := looks.pop(key).after(hour.looked)) is not None:
                looks[key] = look
    return hours, looks


SENSORS = [media_lifecycle]
