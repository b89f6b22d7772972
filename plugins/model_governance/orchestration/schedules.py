"""When the DAG of a policy runs: by time, by assets, or by both."""

from __future__ import annotations

from datetime import datetime, time
from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset, AssetAll, AssetOrTimeSchedule, CronDataIntervalTimetable, CronTriggerTimetable, conf
from pendulum import timezone

if TYPE_CHECKING:
    from model_governance.policy import Policy


def schedule_of(policy: Policy) -> dict[str, Any]:
    """The arguments `schedule` and `start_date` of the DAG of a policy; Airflow reads a cron expression in the zone of the latter."""
    spec = policy.schedule
    zone = timezone(spec.timezone)
    start = datetime.combine(spec.start_date, time(), zone)
    # A reference takes the asset as the DAG that updates it names it: a second name for one uri would disable one of them.
    assets = [Asset.ref(uri=uri) for uri in spec.assets]
    if not assets or spec.cron is None:
        return {"schedule": assets or spec.cron, "start_date": start}
    has_intervals = conf.getboolean("scheduler", "create_cron_data_intervals", fallback=False)
    timetable = (CronDataIntervalTimetable if has_intervals else CronTriggerTimetable)(spec.cron, timezone=zone)
    return {"schedule": AssetOrTimeSchedule(timetable=timetable, assets=AssetAll(*assets)), "start_date": start}
