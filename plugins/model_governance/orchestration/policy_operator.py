"""What every operator of this package shares: the policy, the run, the store, and what other tasks pushed."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from model_governance.checks import catalogue
from model_governance.contract.run import Run
from model_governance.errors import PolicyError
from model_governance.orchestration.stores import GovernanceReportLink, report_url, store_location
from model_governance.policy import Policy, load_policy

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from airflow.sdk import Context
    from airflow.sdk.types import DagRunProtocol as DagRun

    from model_governance.orchestration.stores import StoreLocation
    from model_governance.policy import CheckSpec
    from model_governance.store import ArtifactStore, Stored

VERDICT = "verdict"
ARCHIVE = "archive"
COLOUR = "#e8eef4"


class GovernanceViolation(AirflowFailException):
    """A verdict that stops the run. Airflow does not retry it: the same evidence gives the same verdict.

    Cause: a check raised `ThresholdViolation`; its evidence is stored.
    Cure: as for `ThresholdViolation`; clear the task only after data, model or policy have changed.
    """


class PolicyOperator(BaseOperator):
    """An operator for one policy.

    The policy is read and checked in the constructor, which costs milliseconds and no data, so that a
    mistake is a DAG import error with every problem in it.

    :param policy: the policy's file, best an absolute path, or a policy that was read already
    :param artifacts_uri: where evidence goes, instead of the policy's `artifacts.uri` (templated)
    :param artifacts_connection: Airflow aws connection of that store
    """

    template_fields: Sequence[str] = ("artifacts_uri",)
    operator_extra_links = (GovernanceReportLink(),)
    ui_color = COLOUR

    def __init__(
        self,
        *,
        policy: str | os.PathLike[str] | Policy,
        artifacts_uri: str | None = None,
        artifacts_connection: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.policy = read_policy(policy)
        self.artifacts_uri = artifacts_uri
        self.artifacts_connection = artifacts_connection
        self.report_url = ""

    def location(self) -> StoreLocation:
        """Where this task's evidence goes."""
        return store_location(self.policy, self.artifacts_uri, self.artifacts_connection)

    def link_to(self, stored: Stored, store: ArtifactStore) -> str:
        """Point the task's button at a stored page; returns its address."""
        self.report_url = report_url(stored, store=store, dag_id=self.dag_id)
        return self.report_url


def read_policy(policy: str | os.PathLike[str] | Policy) -> Policy:
    """The policy in a file, or the policy itself.

    Raises:
        PolicyError: the policy is wrong; lists every problem.
    """
    return policy if isinstance(policy, Policy) else load_policy(policy, catalogue())


def with_check(policy: Policy, name: str, spec: CheckSpec) -> Policy:
    """The policy with one more check, which a DAG file adds; its digest covers the addition.

    Raises:
        PolicyError: the policy has a check of this name.
    """
    if name in policy.checks:
        raise PolicyError([f"policy {policy.name}: check {name!r} is taken; give the added one another name"])
    added = policy.model_copy(update={"checks": {**policy.checks, name: spec}})
    # No longer the bytes of the file: the source becomes the canonical JSON of what is really run.
    added._source = b""  # noqa: SLF001 - a policy has no other way to forget its file
    return added


def pull_all(context: Context, task_ids: Sequence[str], key: str) -> list[Mapping[str, Any]]:
    """What tasks pushed under an XCom key, every map index of each; tasks that pushed nothing are absent."""
    values: list[Mapping[str, Any]] = []
    for task_id in task_ids:
        pulled = context["ti"].xcom_pull(task_ids=[task_id], key=key)
        values += [value for value in pulled if value is not None]
    return values


def run_from_context(context: Context) -> Run:
    """The run of a task: its moment is the logical date in UTC, the same as `{{ ts }}`.

    Runs without a logical date (asset events, some manual runs) take the moment from which they could start.
    """
    from airflow import __version__

    run, task = context["dag_run"], context["ti"]
    moment = run.logical_date or run.run_after
    return Run(
        run_id=run.run_id,
        logical_date=moment.astimezone(UTC),
        data_interval=_data_interval(run),
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


def _data_interval(run: DagRun) -> tuple[datetime, datetime] | None:
    start, end = run.data_interval_start, run.data_interval_end
    return None if start is None or end is None else (start.astimezone(UTC), end.astimezone(UTC))
