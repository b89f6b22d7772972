"""The tasks of one policy: its checks side by side, then archive, retraining request and gate."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import TaskGroup

from model_governance.errors import PolicyError
from model_governance.orchestration.archive import ArchiveEvidenceOperator
from model_governance.orchestration.gate import GovernanceGateOperator
from model_governance.orchestration.operators import operator_for
from model_governance.orchestration.policy_operator import read_policy
from model_governance.orchestration.retraining import RequestRetrainingOperator
from model_governance.run import scans_before

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from airflow.sdk import XComArg

    from model_governance.orchestration.operators import GovernanceCheckOperator
    from model_governance.policy import Policy

AFTER_THE_CHECKS = ("archive", "request_retraining", "gate")


def governance_task_group(
    policy: str | os.PathLike[str] | Policy,
    *,
    group_id: str = "governance",
    also: Sequence[GovernanceCheckOperator | XComArg] = (),
    artifacts_uri: str | None = None,
    artifacts_connection: str | None = None,
) -> TaskGroup:
    """A policy's tasks as a task group for a DAG written by hand; its leaf is the gate.

    Args:
        policy: the policy's file, best an absolute path, or a policy that was read already.
        group_id: id of the group, and prefix of its task ids.
        also: further checks of the same policy (`@task.governance_check`) that the archive waits for.
        artifacts_uri: where evidence goes instead of the policy's `artifacts.uri`.
        artifacts_connection: Airflow aws connection of that place.

    Raises:
        PolicyError: the policy is wrong; lists every problem.
    """
    with TaskGroup(group_id=group_id) as group:
        place_tasks(
            read_policy(policy), also=also, artifacts_uri=artifacts_uri, artifacts_connection=artifacts_connection
        )
    return group


def place_tasks(policy: Policy, *, also: Sequence[Any] = (), **place: Any) -> GovernanceGateOperator:
    """Create a policy's tasks in the DAG or group at hand and return the gate."""
    taken = [name for name in AFTER_THE_CHECKS if name in policy.checks]
    if taken:
        raise PolicyError([f"policy {policy.name}: check {name!r} has the name of a task of its DAG" for name in taken])
    shared: dict[str, Any] = {"policy": policy, **place, **task_settings(policy)}
    archive = ArchiveEvidenceOperator(task_id="archive", **shared)
    tasks = {name: operator_for(spec.kind)(task_id=name, check=name, **shared) for name, spec in policy.checks.items()}
    for name, task in tasks.items():
        # What reads the model's file goes ahead of all that loads it: a file that is refused is loaded nowhere.
        for scan in scans_before(policy, name):
            tasks[scan] >> task
        task >> archive
    for check in also:
        check >> archive
    gate = GovernanceGateOperator(task_id="gate")
    archive >> gate
    if policy.retraining is not None:
        archive >> RequestRetrainingOperator(task_id="request_retraining", **shared) >> gate
    return gate


def task_settings(policy: Policy) -> dict[str, Any]:
    """Retries, timeout and pool of a policy's tasks, from its `schedule`."""
    schedule = policy.schedule
    settings = {
        "owner": policy.owner,
        "retries": schedule.retries,
        "retry_delay": timedelta(seconds=schedule.retry_delay_seconds),
        "execution_timeout": timedelta(minutes=schedule.timeout_minutes),
    }
    return settings | ({"pool": schedule.pool} if schedule.pool else {})
