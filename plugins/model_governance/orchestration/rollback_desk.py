"""The rollback DAG: a person puts the former champion back, and why is evidence."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import DAG, BaseOperator, Param
from airflow.sdk.exceptions import AirflowFailException

from model_governance.authoring.promote import roll_back
from model_governance.errors import GovernanceError, PolicyError
from model_governance.evidence.signing import signer_of
from model_governance.evidence.trust import trust_of
from model_governance.orchestration.operators import COLOUR
from model_governance.orchestration.stores import AirflowConnections, store_location
from model_governance.orchestration.waiver_desk import TEXT, approvers_of, policy_of_model

if TYPE_CHECKING:
    import os

    from airflow.sdk import Context


def governance_rollback_dag(folder: str | os.PathLike[str], *, dag_id: str = "governance_rollback") -> DAG:
    """The DAG that takes a promotion back, started by hand: its form asks for the model and the reason.

    Args:
        folder: the policies; read when a rollback is asked for.
        dag_id: id of the DAG.
    """
    params = {
        "model": Param(**TEXT, description="name of the model"),
        "reason": Param(**{**TEXT, "minLength": 10}, description="why; it is stored as evidence"),
    }
    dag = DAG(
        dag_id=dag_id, description="Puts the former champion of a model back", schedule=None,
        start_date=datetime(2025, 1, 1, tzinfo=UTC), catchup=False, tags={"model-governance"}, params=params,
    )  # fmt: skip
    with dag:
        RollBackOperator(task_id="roll_back", folder=folder, retries=3)
    return dag


class RollBackOperator(BaseOperator):
    """Puts the version back that the present champion replaced; where the policy has approvers, one of them must ask.

    :param folder: the policies
    """

    ui_color = COLOUR

    def __init__(self, *, folder: str | os.PathLike[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.folder = str(folder)

    def execute(self, context: Context) -> None:
        """Roll back; AirflowFailException where this person may not, or nothing was promoted."""
        by = context["dag_run"].triggering_user_name or ""
        try:
            policy = policy_of_model(self.folder, context["params"]["model"])
            approvers = approvers_of(policy)
            if approvers and by.casefold() not in {name.casefold() for name in approvers}:
                raise PolicyError([f"{policy.name}: {by or 'nobody'} is none of its approvers: {', '.join(approvers)}"])
            connections = AirflowConnections()
            back = roll_back(
                policy, store_location(policy).open(), reason=context["params"]["reason"], by=by,
                moment=context["dag_run"].start_date.astimezone(UTC), signer=signer_of(policy, connections),
                trust=trust_of(policy, connections),
            )  # fmt: skip
        except GovernanceError as error:
            if error.infrastructure:
                raise
            raise AirflowFailException(str(error)) from error
        self.log.info("%s", back.sentence)
