"""What every operator of this room shares: a policy read while the DAG is parsed, and a store opened while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from model_governance.checks import catalogue
from model_governance.orchestration.links import GovernanceReportLink
from model_governance.orchestration.places import browser_address, place_of
from model_governance.policy import Policy, load_policy

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from airflow.sdk import Context

    from model_governance.orchestration.places import Place
    from model_governance.store import ArtifactStore, Stored

VERDICT = "verdict"
ARCHIVE = "archive"


class PolicyOperator(BaseOperator):
    """An operator for one policy.

    The policy is read and checked in the constructor, which costs milliseconds and no data, so that a
    mistake is a DAG import error with every problem in it.

    :param policy: the policy's file, best an absolute path, or a policy that was read already
    :param artifacts_uri: where evidence goes, instead of the policy's `artifacts.uri` (templated)
    :param artifacts_connection: Airflow aws connection of that place
    """

    template_fields: Sequence[str] = ("artifacts_uri",)
    operator_extra_links = (GovernanceReportLink(),)
    ui_color = "#e8eef4"

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
        self.report_address = ""

    def place(self) -> Place:
        """Where this task's evidence goes."""
        return place_of(self.policy, self.artifacts_uri, self.artifacts_connection)

    def link_to(self, stored: Stored, store: ArtifactStore) -> str:
        """Point the task's button at a stored page; returns the address."""
        self.report_address = browser_address(stored, store=store, dag_id=self.dag_id)
        return self.report_address


def read_policy(policy: str | os.PathLike[str] | Policy) -> Policy:
    """The policy in a file, or the policy itself. Raises PolicyError with every problem."""
    return policy if isinstance(policy, Policy) else load_policy(policy, catalogue())


def pushed(context: Context, task_ids: Sequence[str], key: str) -> list[Mapping[str, Any]]:
    """What tasks left under an XCom key, every map index of each; tasks that left nothing are absent."""
    found: list[Mapping[str, Any]] = []
    for task_id in task_ids:
        found += [one for one in context["ti"].xcom_pull(task_ids=[task_id], key=key) if one is not None]
    return found
