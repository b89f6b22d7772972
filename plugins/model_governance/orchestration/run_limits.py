"""How long a run may take: after one limit Airflow ends it as failed, after another it says that the run is late."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from model_governance.run import scans_before

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow.sdk.definitions.deadline import DeadlineAlert

    from model_governance.policy import Policy


def run_timeout(policy: Policy) -> timedelta:
    """`schedule.run_timeout_minutes`, or the longest time that its tasks may take with all of their tries.

    Tasks that follow one another are added up, of tasks side by side the longest counts: scans of the model's file, the
    other checks, archive, retraining request, gate. One task may take `(1 + retries) * timeout_minutes + retries *
    retry_delay_seconds`.
    """
    schedule = policy.schedule
    if schedule.run_timeout_minutes is not None:
        return timedelta(minutes=schedule.run_timeout_minutes)
    scans = {scan for name in policy.checks for scan in scans_before(policy, name)}
    stages = [scans, policy.checks.keys() - scans]
    after = 2 if policy.retraining is None else 3
    longest = [max(_limits(policy, stage)) for stage in stages if stage] + [schedule.timeout_minutes] * after
    waits = timedelta(seconds=schedule.retries * schedule.retry_delay_seconds) * len(longest)
    return timedelta(minutes=(1 + schedule.retries) * sum(longest)) + waits


def deadline_alert(policy: Policy) -> DeadlineAlert | None:
    """The alert of `schedule.deadline_minutes`, counted from the moment at which the run was queued; None without it."""
    minutes = policy.schedule.deadline_minutes
    if minutes is None:
        return None
    from airflow.sdk.definitions.callback import SyncCallback
    from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

    from model_governance.orchestration.alerts import run_is_late

    # A run without a logical date has a deadline too, so it is not counted from that date.
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(minutes=minutes),
        callback=SyncCallback(run_is_late, kwargs={"model": policy.name, "owner": policy.owner, "minutes": minutes}),
    )


def _limits(policy: Policy, names: Iterable[str]) -> list[int]:
    return [policy.checks[name].timeout_minutes or policy.schedule.timeout_minutes for name in names]
