"""From policies to DAGs: one DAG per policy of a folder, or the tasks of one policy as a group."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, BaseOperator, TaskGroup

from model_governance.checks import catalogue
from model_governance.contract.result import label_of
from model_governance.errors import PolicyError
from model_governance.orchestration.archive import ArchiveEvidenceOperator
from model_governance.orchestration.gate import GovernanceGateOperator
from model_governance.orchestration.operators import GovernanceViolation, operator_for, read_policy
from model_governance.orchestration.retraining import RequestRetrainingOperator
from model_governance.policy import load_policy
from model_governance.run import scans_before
from model_governance.verdict.words import describe

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from airflow.sdk import Context, XComArg

    from model_governance.orchestration.operators import GovernanceCheckOperator
    from model_governance.policy import Policy, Threshold

log = logging.getLogger(__name__)

ENDINGS = (".yaml", ".yml")
RESERVED_TASK_IDS = ("archive", "request_retraining", "gate")


def governance_dags(folder: str | os.PathLike[str]) -> dict[str, DAG]:
    """One DAG per policy file of a folder, by DAG id, for `globals().update(...)` in a DAG file.

    A policy with mistakes becomes a daily DAG named after its file, whose only task fails with all of
    them: the other models are governed as before, and the broken policy is visible.

    Raises:
        PolicyError: the folder is missing or holds no policy; an empty folder would be a run that passes.
    """
    folder = Path(folder)
    files = sorted(path for path in folder.iterdir() if path.suffix in ENDINGS) if folder.is_dir() else []
    if not files:
        problem = "holds no policy" if folder.is_dir() else "is not a folder"
        raise PolicyError([f"{folder}: {problem}; expected one YAML file per model"])
    dags: dict[str, DAG] = {}
    for file in files:
        try:
            dag = governance_dag(load_policy(file, catalogue()))
            if dag.dag_id in dags:
                raise PolicyError([f"{file}: model.name gives DAG {dag.dag_id}, as another policy of this folder does"])
        except PolicyError as error:
            log.error("policy refused, its DAG only reports that:\n%s", error)
            dag = refused_dag(file, error.problems, taken=dags)
        dags[dag.dag_id] = dag
    return dags


def governance_dag(policy: Policy) -> DAG:
    """The DAG of one policy: its checks in parallel, then archive, retraining request and gate.

    Raises:
        PolicyError: a check has the name of one of the tasks that follow the checks.
    """
    schedule = policy.schedule
    dag = DAG(
        dag_id=f"governance_{policy.name.replace('-', '_')}",
        description=policy.description or f"Model governance of {policy.name}",
        schedule=schedule.cron,
        start_date=datetime.combine(schedule.start_date, time(), UTC),
        catchup=schedule.catchup,
        max_active_runs=1,
        tags={"model-governance", policy.name, *schedule.tags},
        doc_md=describe_policy(policy),
        default_args={"owner": policy.owner},
    )
    with dag:
        add_tasks(policy)
    return dag


def refused_dag(file: Path, problems: Sequence[str], *, taken: dict[str, Any]) -> DAG:
    """The daily DAG of a policy with mistakes: its only task fails and lists them."""
    dag_id = "governance_" + re.sub(r"[^A-Za-z0-9_.-]", "_", file.stem)
    while dag_id in taken:
        dag_id += "_refused"
    dag = DAG(
        dag_id=dag_id,
        description=f"{file.name} was refused; nothing is checked until it is corrected",
        schedule="@daily",
        start_date=datetime(2025, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        tags={"model-governance", "refused"},
        doc_md="\n".join([f"`{file.name}` was refused:", "", *(f"- {problem}" for problem in problems)]),
    )
    RefusedPolicyOperator(task_id="policy_refused", problems=problems, dag=dag)
    return dag


class RefusedPolicyOperator(BaseOperator):
    """Fails with the problems of a policy: a policy that cannot be read never passes.

    :param problems: one located sentence per mistake
    """

    def __init__(self, *, problems: Sequence[str], retries: int = 0, **kwargs: Any) -> None:
        super().__init__(retries=retries, **kwargs)
        self.problems = list(problems)

    def execute(self, context: Context) -> None:  # noqa: ARG002 - Airflow hands it over
        """Raise GovernanceViolation with every problem."""
        raise GovernanceViolation("the policy was refused, nothing was checked:\n" + "\n".join(self.problems))


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
        artifacts_connection: Airflow aws connection of that store.

    Raises:
        PolicyError: the policy is wrong; lists every problem.
    """
    with TaskGroup(group_id=group_id) as group:
        add_tasks(
            read_policy(policy), also=also, artifacts_uri=artifacts_uri, artifacts_connection=artifacts_connection
        )
    return group


def add_tasks(policy: Policy, *, also: Sequence[Any] = (), **store: Any) -> GovernanceGateOperator:
    """Create a policy's tasks in the current DAG or task group and return the gate."""
    taken = [name for name in RESERVED_TASK_IDS if name in policy.checks]
    if taken:
        raise PolicyError([f"policy {policy.name}: check {name!r} has the name of a task of its DAG" for name in taken])
    shared: dict[str, Any] = {"policy": policy, **store, **task_defaults(policy)}
    archive = ArchiveEvidenceOperator(task_id="archive", **shared)
    tasks = {name: operator_for(spec.kind)(task_id=name, check=name, **shared) for name, spec in policy.checks.items()}
    for name, task in tasks.items():
        # A scan of the model's file precedes every check that loads the file: a refused file is loaded nowhere.
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


def task_defaults(policy: Policy) -> dict[str, Any]:
    """Retries, timeout and pool of a policy's tasks, from its `schedule`."""
    schedule = policy.schedule
    settings = {
        "owner": policy.owner,
        "retries": schedule.retries,
        "retry_delay": timedelta(seconds=schedule.retry_delay_seconds),
        "execution_timeout": timedelta(minutes=schedule.timeout_minutes),
    }
    return settings | ({"pool": schedule.pool} if schedule.pool else {})


def describe_policy(policy: Policy) -> str:
    """The thresholds of a policy as a Markdown table."""
    rows = [
        f"| {name} | {spec.kind} | `{label_of(threshold.metric, threshold.key)}` | {_requirement(threshold)} | {threshold.severity} |"
        for name, spec in policy.checks.items()
        for threshold in spec.thresholds
    ]
    head = ["| check | kind | metric | must be | severity |", "|---|---|---|---|---|"]
    intro = [policy.description, f"Owner: {policy.owner}. Fails on: {policy.fail_on}. Policy sha256: `{policy.sha256}`"]
    return "\n".join([*filter(None, intro), "", *head, *rows])


def _requirement(threshold: Threshold) -> str:
    return describe(threshold.condition, threshold.bound, threshold.against if threshold.is_change else None)
