"""The sensors: what is done when something happened.

What does not belong here: reading the topic (``lifecycle``) and what an hour shows (``assets.hours``).
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import dagster as dg

from assets.hours import UNSEEN, Hour, look_on, report
from assets.partitions import FIRST_HOUR, hour_of_key, key_of
from assets.resources import Ledger, Objects, Pages
from assets.state_checks import stuck
from mcsp.errors import UnavailableError
from orchestration.lifecycle import Changed, Cursor, LifecycleTopic
from orchestration.looks import LOOK_S, MOST_GOING_ON, Look, with_news

REPORT_S = 25.0
"""Seconds after which a tick reports no further hour and leaves it to the next: an hour of two million
segments takes ten, and Dagster ends a tick (see the stack's DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS)."""

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
        tick = _report(cursor.looks, changed, ledger, objects, pages)
    except UnavailableError as error:
        return dg.SkipReason(f"{error} The cursor stays; the next tick tries again.")
    if step.unreadable:
        context.log.warning(f"{step.unreadable} messages of media.lifecycle cannot be read; passed over.")
    if early := len(step.changed) - len(changed):
        context.log.warning(f"{early} hours before {key_of(FIRST_HOUR)} passed over: see MCSP_FIRST_HOUR.")
    shown = [f"{hour.stage} {key_of(hour.hour)}" for hour in tick.hours]
    context.log.info(f"{step.messages} messages read; reported: {shown}; left over: {len(tick.left)}.")
    after = str(Cursor(step.offsets, tick.left, tick.looks))
    if not tick.hours:
        context.update_cursor(after)
        return dg.SkipReason("Nothing new on media.lifecycle.")
    # What is not right comes last: Dagster shows the newest result of a check.
    tick.hours.sort(key=lambda hour: not hour.right)
    events = [event for hour in tick.hours for event in hour.events()]
    events.append(stuck(ledger, pages).event("sources"))
    return dg.SensorResult(asset_events=events, cursor=after)


@dataclass
class _Tick:
    """What one tick reports, and what it hands on to the next."""

    hours: list[Hour] = field(default_factory=list)
    left: list[Changed] = field(default_factory=list)
    looks: dict[str, Look] = field(default_factory=dict)

    def add(self, hour: Hour) -> None:
        self.hours.append(hour)
        if hour.stage == "packages" and hour.looked is not None:
            key = key_of(hour.hour)
            # Put behind the others, so that each has its turn.
            if (look := self.looks.pop(key).after(hour.looked)) is not None:
                self.looks[key] = look


def _report(
    under_way: Mapping[str, Look], changed: list[Changed], ledger: Ledger, objects: Objects, pages: Pages
) -> _Tick:
    """Report each changed hour while there is time, then further portions of the looks under way."""
    tick, began = _Tick(looks=with_news(under_way, changed)), time.monotonic()
    new = {key_of(hour) for stage, hour in changed if stage == "packages"}
    going_on = [key for key in under_way if key not in new][:MOST_GOING_ON]
    share = LOOK_S / max(1, len(new) + len(going_on))
    for at, (stage, hour) in enumerate(changed):
        if tick.hours and time.monotonic() - began > REPORT_S:
            tick.left = changed[at:]
            return tick
        so_far = tick.looks[key_of(hour)].looked if stage == "packages" else UNSEEN
        tick.add(report(stage, hour, ledger, objects, pages, so_far=so_far, within_s=share))
    for key in going_on:
        so_far = tick.looks[key].looked
        tick.add(look_on(hour_of_key(key), ledger, objects, pages, so_far=so_far, within_s=share))
    return tick


SENSORS = [media_lifecycle]
