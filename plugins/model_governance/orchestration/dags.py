"""From a folder of policies to one nightly DAG per model."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, BaseOperator

from model_governance.checks import catalogue
from model_governance.errors import PolicyError
from model_governance.orchestration.task_group import place_tasks
from model_governance.orchestration.violation import GovernanceViolation
from model_governance.policy import load_policy
from model_governance.verdict import Finding

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from airflow.sdk import Context

    from model_governance.policy import Policy, Threshold

log = logging.getLogger(__name__)

ENDINGS = (".yaml", ".yml")


def governance_dags(folder: str | os.PathLike[str]) -> dict[str, DAG]:
    """One DAG per policy file of a folder, by DAG id, for `globals().update(...)` in a DAG file.

    A policy with mistakes becomes a daily DAG named after its file, whose only task fails with all of
    them: the other models keep their nights, and the broken one is not quietly left out.

    Raises:
        PolicyError: the folder is missing or holds no policy; an empty folder would be a green night.
    """
    folder = Path(folder)
    files = sorted(one for one in folder.iterdir() if one.suffix in ENDINGS) if folder.is_dir() else []
    if not files:
        found = "holds no policy" if folder.is_dir() else "is not a folder"
        raise PolicyError([f"{folder}: {found}; expected one YAML file per model"])
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
    """The nightly DAG of one policy: checks side by side, archive, retraining request, gate.

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
        doc_md=describe(policy),
        default_args={"owner": policy.owner},
    )
    with dag:
        place_tasks(policy)
    return dag


def refused_dag(file: Path, problems: Sequence[str], *, taken: dict[str, Any]) -> DAG:
    """The daily DAG that stands in for a policy with mistakes: its only task fails and lists them."""
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
        doc_md="\n".join([f"`{file.name}` was refused:", "", *(f"- {one}" for one in problems)]),
    )
    RefusedPolicyOperator(task_id="policy_refused", problems=problems, dag=dag)
    return dag


class RefusedPolicyOperator(BaseOperator):
    """Fails with the problems of a policy: what cannot be read cannot be passed.

    :param problems: one located sentence per mistake
    """

    def __init__(self, *, problems: Sequence[str], retries: int = 0, **kwargs: Any) -> None:
        super().__init__(retries=retries, **kwargs)
        self.problems = list(problems)

    def execute(self, context: Context) -> None:  # noqa: ARG002 - Airflow hands it over
        """Never succeeds."""
        raise GovernanceViolation("the policy was refused, nothing was checked:\n" + "\n".join(self.problems))


def describe(policy: Policy) -> str:
    """A policy's demands as a Markdown table."""
    rows = [
        f"| {name} | {spec.kind} | `{_label(one)}` | {_demanded(one)} | {one.severity} |"
        for name, spec in policy.checks.items()
        for one in spec.thresholds
    ]
    head = ["| check | kind | metric | must be | severity |", "|---|---|---|---|---|"]
    intro = [policy.description, f"Owner: {policy.owner}. Fails on: {policy.fail_on}. Policy sha256: `{policy.sha256}`"]
    return "\n".join([*filter(None, intro), "", *head, *rows])


def _label(threshold: Threshold) -> str:
    return threshold.metric if threshold.key is None else f"{threshold.metric}[{threshold.key}]"


def _demanded(threshold: Threshold) -> str:
    finding = Finding(
        check="", outcome="pass", sentence="", demand=threshold.demand, bound=threshold.bound,
        against=threshold.against if threshold.is_change else None,
    )  # fmt: skip
    return finding.demanded
