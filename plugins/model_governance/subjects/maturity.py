"""Labels that need time: which run is judged now, and its rows and labels."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from model_governance.contract.moments import spell_moment
from model_governance.errors import SubjectError
from model_governance.policy.cron import fires_at, last_firing, next_firing
from model_governance.subjects.templates import render_sources, run_variables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from model_governance.contract.run import Run
    from model_governance.contract.subject import Role, Subject
    from model_governance.policy import DatasetSpec, Policy


def load_judged(
    policy: Policy,
    sources: Mapping[Role, DatasetSpec],
    load: Callable[[Mapping[Role, DatasetSpec]], Subject],
    *,
    run: Run,
    first_run: Callable[[], datetime | None],
) -> Subject:
    """The subject, with the rows and labels of the run that is judged now where labels need time.

    Before the model's first run is old enough there may be nothing to judge: the subject then says why.

    Args:
        policy: names `datasets.labels` and how many days they need.
        sources: the datasets of this run, templates rendered.
        load: gives the subject of some sources.
        run: this run.
        first_run: the moment of the model's first archived run, asked only where nothing can be read.

    Raises:
        PolicyError: a template of `current` or `labels` uses more than `run_variables` gives.
        SubjectError: as `load`; rows or labels of a run of the model cannot be read.
    """
    labels = policy.datasets.get("labels")
    if labels is None or labels.maturity_days is None:
        return load(sources)
    without: dict[Role, DatasetSpec] = {role: source for role, source in sources.items() if role != "labels"}
    judged = judged_run(policy, run)
    if judged is None:
        reason = (
            f"a run of {labels.maturity_days} days ago lies before the schedule's start, {policy.schedule.start_date}"
        )
        return replace(load(without), labels_reason=reason)
    try:
        return load({**sources, **judged_sources(policy, judged)})
    except SubjectError as error:
        first = None if error.infrastructure else first_run() or run.logical_date
        if first is None or first <= judged.logical_date:
            raise
        reason = f"the model had no run yet on {spell_moment(judged.logical_date)}, and what was then cannot be read ({error})"
        return replace(load(without), labels_reason=reason)


def judged_run(policy: Policy, run: Run) -> Run | None:
    """The run whose labels are complete now: the one `maturity_days` before, which is judged in this run.

    Where the schedule does not fire that many days before (a weekly schedule, ten days), it is the last run before
    that moment. None when labels of the policy need no time, or that run lies before the schedule's start.
    """
    labels, cron = policy.datasets.get("labels"), policy.schedule.cron
    if labels is None or labels.maturity_days is None or "current" not in policy.datasets:
        return None
    zone = ZoneInfo(policy.schedule.timezone)
    moment = run.logical_date.astimezone(zone) - timedelta(days=labels.maturity_days)  # the same time of day there
    if cron is not None and fires_at(cron, run.logical_date.astimezone(zone)) and not fires_at(cron, moment):
        moment = last_firing(cron, moment)
    if moment.date() < policy.schedule.start_date:
        return None
    interval = _judged_interval(run, moment, cron, zone)
    return replace(run, logical_date=moment.astimezone(UTC), data_interval=interval)


def judged_sources(policy: Policy, judged: Run) -> dict[Role, DatasetSpec]:
    """Rows and labels of the run that is judged: `datasets.current` and `datasets.labels` rendered for that run.

    Raises:
        PolicyError: a template uses more than `run_variables` gives.
    """
    variables = run_variables(judged.logical_date, data_interval=judged.data_interval)
    rendered = render_sources(policy, variables, roles=("current", "labels"))
    return {"labelled_current": rendered["current"], "labels": rendered["labels"]}


def _judged_interval(run: Run, moment: datetime, cron: str | None, zone: ZoneInfo) -> tuple[datetime, datetime] | None:
    """The data interval of the judged run: as long as that of this run, or until the schedule fires next."""
    if run.data_interval is None:
        return None
    first, last = (edge.astimezone(zone) for edge in run.data_interval)
    start, end = (edge.astimezone(UTC) + (moment - run.logical_date) for edge in (first, last))
    if cron is not None and last == next_firing(cron, first):
        end = next_firing(cron, start.astimezone(zone))
    return start.astimezone(UTC), end.astimezone(UTC)
