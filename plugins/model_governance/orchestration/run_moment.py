"""Moment and data interval of a run, also of one without a logical date, for its templates and its evidence."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo

from airflow.sdk import BaseOperator, CronDataIntervalTimetable
from airflow.sdk.timezone import coerce_datetime

from model_governance.contract.run import Run
from model_governance.orchestration.run_params import chosen_date
from model_governance.policy.cron import last_firing
from model_governance.policy.templates import spell_ts_with_tz
from model_governance.subjects.templates import run_variables

if TYPE_CHECKING:
    from datetime import datetime

    import jinja2
    from airflow.sdk import Context


class AnyRunOperator(BaseOperator):
    """Renders its templates for every run: one without a logical date has the moments of its `run_after`.

    Airflow gives the templates of such a run (REST with `logical_date: null`, `airflow dags trigger`,
    TriggerDagRunOperator, asset events) no date at all.
    """

    def render_template(
        self,
        content: Any,
        context: Context,
        jinja_env: jinja2.Environment | None = None,
        seen_oids: set[int] | None = None,
    ) -> Any:
        """As Airflow's, with the moments of the run; Airflow calls it for each template field, of mapped tasks too."""
        return super().render_template(content, with_moments(context), jinja_env, seen_oids)


def with_moments(context: Context) -> Context:
    """The context, with `ds`, `ts`, `logical_date`, data interval and their other spellings where Airflow left them out.

    Those of a date that a person chose replace those of the run.
    """
    if "dag_run" not in context or ("ds" in context and chosen_date(context) is None):
        return context
    moment, (start, end) = moment_of(context), data_interval_of(context)
    given = run_variables(moment) | {"ts_nodash_with_tz": spell_ts_with_tz(moment)}
    moments = {"logical_date": moment, "data_interval_start": start, "data_interval_end": end}
    return cast("Context", {**context, **given, **{name: coerce_datetime(at) for name, at in moments.items()}})


def moment_of(context: Context) -> datetime:
    """The date that a person chose for the run, else its logical date, else the moment from which it could start; in UTC."""
    run = context["dag_run"]
    return (chosen_date(context) or run.logical_date or run.run_after).astimezone(UTC)


def data_interval_of(context: Context) -> tuple[datetime, datetime]:
    """The data interval of the run in UTC.

    Without one it is what Airflow infers for a manual run of that moment: the last interval that was complete then, where
    the schedule has intervals (`[scheduler] create_cron_data_intervals`), else the moment itself, as start and end.
    """
    run = context["dag_run"]
    has_interval = run.data_interval_start is not None and run.data_interval_end is not None
    if has_interval and chosen_date(context) is None:
        return run.data_interval_start.astimezone(UTC), run.data_interval_end.astimezone(UTC)
    moment = moment_of(context)
    timetable = context["dag"].timetable if "dag" in context else None
    timetable = getattr(timetable, "timetable", timetable)  # that of a schedule by time or by assets
    if not isinstance(timetable, CronDataIntervalTimetable):
        return moment, moment
    zone = ZoneInfo(str(getattr(timetable.timezone, "name", timetable.timezone)))
    end = last_firing(timetable.expression, moment.astimezone(zone) + timedelta(seconds=1))
    return last_firing(timetable.expression, end).astimezone(UTC), end.astimezone(UTC)


def run_from_context(context: Context) -> Run:
    """The run of a task: its moment is the one of `{{ ts }}`, in UTC."""
    from airflow import __version__

    run, task = context["dag_run"], context["ti"]
    return Run(
        run_id=run.run_id,
        logical_date=moment_of(context),
        data_interval=data_interval_of(context),
        orchestrator={
            "type": "airflow",
            "version": __version__,
            "dag_id": task.dag_id,
            "run_id": run.run_id,
            "task_id": task.task_id,
            "map_index": task.map_index if task.map_index is not None else -1,
            "try_number": task.try_number,
            "logical_date": run.logical_date.isoformat() if run.logical_date else None,
        },
    )
