"""How long a run may take: after one limit Airflow ends it as failed, after another it says that the run is late."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from model_governance.notify import for_whole_model
from model_governance.orchestration.notify import LIMIT
from model_governance.run import scans_before

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk.definitions.deadline import DeadlineAlert

    from model_governance.policy import CheckSpec, Policy


def run_timeout(policy: Policy, of_tasks: Mapping[str, Any]) -> timedelta:
    """`schedule.run_timeout_minutes`, or the longest time that its tasks may take with all of their tries.

    Tasks that follow one another are added up, the wait for data included, of tasks side by side the longest counts: scans of the model's file, mapped
    tasks that share the work of checks, the other checks, archive, retraining request or notifications, gate. One task may take its time limit `1 + retries` times,
    and waits for `retry_delay` before each further try; notifications have a limit of their own and one try.

    Args:
        policy: the policy.
        of_tasks: arguments of its tasks (`DagSettings.of_tasks`).
    """
    if policy.schedule.run_timeout_minutes is not None:
        return timedelta(minutes=policy.schedule.run_timeout_minutes)
    limit, retries, delay = of_tasks["execution_timeout"], int(of_tasks["retries"]), of_tasks["retry_delay"]
    scans = {scan for name in policy.checks for scan in scans_before(policy, name)}
    one_task = policy.schedule.layout == "one_task"
    prepared = {name for name, check in policy.checks.items() if check.mapped_tasks is not None}
    stages = [{next(iter(policy.checks))}] if one_task else [scans, prepared, policy.checks.keys() - scans]
    pause = delay if isinstance(delay, timedelta) else timedelta(seconds=delay)
    longest = [max(_limit(policy.checks[name], limit) for name in stage) for stage in stages if stage] + [limit, limit]
    after_archive = [timedelta()]
    if policy.retraining is not None:
        after_archive.append((1 + retries) * limit + retries * pause)
    if policy.notifications.channels:
        after_archive.append(LIMIT)
    wait = policy.schedule.wait_for_data
    waiting = timedelta() if wait is None else timedelta(minutes=wait.timeout_minutes)
    tasks = (1 + retries) * sum(longest, timedelta()) + retries * len(longest) * pause
    return waiting + tasks + max(after_archive)


def deadline_alert(policy: Policy) -> DeadlineAlert | None:
    """The alert of `schedule.deadline_minutes`, counted from the moment at which the run was queued; None without it."""
    minutes = policy.schedule.deadline_minutes
    if minutes is None:
        return None
    from airflow.sdk.definitions.callback import SyncCallback
    from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

    from model_governance.orchestration.alerts import run_is_late

    channels = [for_whole_model(channel, policy).model_dump(mode="json") for channel in policy.notifications.channels]
    given = {"model": policy.name, "owner": policy.owner, "minutes": minutes, "channels": channels}
    # A run without a logical date has a deadline too, so it is not counted from that date.
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(minutes=minutes),
        callback=SyncCallback(run_is_late, kwargs=given),
    )


def _limit(spec: CheckSpec, default: timedelta) -> timedelta:
    return default if spec.timeout_minutes is None else timedelta(minutes=spec.timeout_minutes)
