"""The schedules: when jobs run by themselves. All times are UTC.

What does not belong here: what the jobs do (``jobs``), and what happens on events (``sensors``).
"""

from datetime import timedelta

import dagster as dg

from assets.partitions import FIRST_HOUR, hour_of, key_of
from orchestration.jobs import CHECK_NEVER_STUCK, CHECK_ORPHANS, MAKE_HOUR_WHOLE

RUNNING = dg.DefaultScheduleStatus.RUNNING


@dg.schedule(
    cron_schedule="10 * * * *",
    execution_timezone="UTC",
    job=MAKE_HOUR_WHOLE,
    default_status=RUNNING,
    description=(
        "Makes the last closed hour whole, ten minutes after its end. Workers have normally made it all by "
        "then and the run only records and checks: it is the net below them."
    ),
)
def last_closed_hour(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """One run an hour. Ten minutes: what came at the end of an hour is made by then, backlog apart."""
    hour = hour_of(context.scheduled_execution_time - timedelta(hours=1))
    if hour < FIRST_HOUR:
        return dg.SkipReason(f"The first hour, {key_of(FIRST_HOUR)}, is not over yet.")
    return dg.RunRequest(run_key=key_of(hour), partition_key=key_of(hour))


STUCK = dg.ScheduleDefinition(
    name="every_half_hour_never_stuck",
    cron_schedule="5,35 * * * *",
    execution_timezone="UTC",
    job=CHECK_NEVER_STUCK,
    default_status=RUNNING,
    description="The same question is a metric of the sweeper every few seconds; here it stays on record.",
)

ORPHANS = dg.ScheduleDefinition(
    name="every_six_hours_orphans",
    cron_schedule="20 */6 * * *",
    execution_timezone="UTC",
    job=CHECK_ORPHANS,
    default_status=RUNNING,
    description="200,000 objects a day by parts of 50,000; orphans cost money and harm nobody, so no haste.",
)

SCHEDULES = [last_closed_hour, STUCK, ORPHANS]
