"""The desk: somebody asks for a waiver, or that a run becomes the baseline; a named approver decides; the decision is evidence.

The DAG waits for the answer of a human in Airflow's own form (human in the loop), which takes no worker while it waits.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import ApprovalOperator, HITLOperator
from airflow.sdk import DAG, BaseOperator, Param
from airflow.sdk.exceptions import AirflowFailException

from model_governance.authoring.accept import accept_run, find_run
from model_governance.authoring.waive import (
    Person,
    WaiverRequest,
    decide_waiver,
    require_request,
    require_two_persons,
)
from model_governance.contract.moments import parse_moment, spell_moment
from model_governance.errors import GovernanceError, PolicyError
from model_governance.evidence.history import Archive
from model_governance.evidence.signing import signer_of
from model_governance.evidence.trust import trust_of
from model_governance.orchestration.between_tasks import pull_all
from model_governance.orchestration.dags import policy_files
from model_governance.orchestration.operators import COLOUR, read_policy
from model_governance.orchestration.stores import AirflowConnections, configured_names, store_location
from model_governance.policy.load import read_source
from model_governance.policy.names import names_in

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from airflow.sdk import Context

    from model_governance.policy import Policy

REQUEST = "request"
"""XCom key of what is asked for."""
RETURN = "return_value"
WAIT = timedelta(days=7)
TEXT = {"type": "string", "minLength": 1, "maxLength": 500}
MAY_LACK = {"type": ["null", "string"], "maxLength": 500}
PARAMS: dict[str, dict[str, Any]] = {
    "model": {**TEXT, "description": "name of the model"},
    "purpose": {
        "type": "string", "enum": ["waiver", "baseline", "reference"],
        "description": "waive a violation, or accept a run as baseline or as the first of a new reference window",
    },
    "reason": {**TEXT, "minLength": 10, "description": "why; it is stored as evidence"},
    "ticket": {**MAY_LACK, "description": "waiver: where the acceptance is recorded"},
    "check": {**MAY_LACK, "description": "waiver: name of the check in the policy"},
    "metric": {**MAY_LACK, "description": "waiver: metric whose violation is waived"},
    "key": {**MAY_LACK, "description": "waiver: one column, class or slice; all when empty"},
    "expires": {**MAY_LACK, "description": "waiver: last day (2027-01-31) or moment (2027-01-31T12:00), UTC"},
    "run": {**MAY_LACK, "description": "baseline, reference: logical date (UTC) or run id"},
}  # fmt: skip


def governance_waiver_dag(
    folder: str | os.PathLike[str], *, dag_id: str = "governance_waiver", response_timeout: timedelta = WAIT
) -> DAG:
    """The DAG of the desk, started by hand: its form asks for a waiver or for an acceptance.

    Args:
        folder: the policies; read when a request is made, so that a broken one takes nothing away.
        dag_id: id of the DAG.
        response_timeout: how long a request waits; without an answer nothing is granted.
    """
    optional = ("ticket", "check", "metric", "key", "expires", "run")
    params = {
        name: Param(**({"default": None} if name in optional else {}), **schema) for name, schema in PARAMS.items()
    }
    params["purpose"] = Param("waiver", **PARAMS["purpose"])
    dag = DAG(
        dag_id=dag_id, description="Asks a named approver for a waiver, or to accept a run as baseline", schedule=None,
        start_date=datetime(2025, 1, 1, tzinfo=UTC), catchup=False, tags={"model-governance"}, params=params,
    )  # fmt: skip
    with dag:
        request = RequestDecisionOperator(task_id="request", folder=folder)
        decide = DecideOperator(task_id="decide", response_timeout=response_timeout)
        request >> decide >> RecordDecisionOperator(task_id="record", folder=folder, retries=3)
    return dag


def approvers_of(policy: Policy) -> tuple[str, ...]:
    """Users who may decide: those of the policy, else those of Airflow's `[model_governance] approvers`."""
    return policy.approvers or tuple(configured_names("approvers"))


def policy_of_model(folder: str | os.PathLike[str], model: str) -> Policy:
    """The policy of a model.

    Raises:
        PolicyError: no file of the folder is that of the model, or it has mistakes.
    """
    files = [file for file in policy_files(Path(folder)) if names_in(read_source(file)).model == model]
    if not files:
        raise PolicyError([f"{folder}: no policy is that of a model named {model!r}; correct the name"])
    return read_policy(files[0])


class _DeskOperator(BaseOperator):
    """Knows the folder of the policies."""

    ui_color = COLOUR

    def __init__(self, *, folder: str | os.PathLike[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.folder = str(folder)


class RequestDecisionOperator(_DeskOperator):
    """Checks what is asked for before anybody is asked, and pushes it under the XCom key "request".

    :param folder: the policies
    """

    def execute(self, context: Context) -> None:
        """Read the form; AirflowFailException lists every mistake of the request."""
        params = dict(context["params"])
        requested_by = context["dag_run"].triggering_user_name or ""
        try:
            policy = policy_of_model(self.folder, params["model"])
            sentence = self._checked(policy, params, requested_by)
        except PolicyError as error:
            raise AirflowFailException(str(error)) from error
        if not approvers_of(policy):
            raise AirflowFailException(
                f"{policy.name}: nobody may decide; name approvers in the policy, or in [model_governance] approvers"
            )
        asked = {**params, "requested_by": requested_by, "sentence": sentence, "approvers": list(approvers_of(policy))}
        context["ti"].xcom_push(key=REQUEST, value=asked)
        self.log.info("%s asks: %s", requested_by, sentence)

    def _checked(self, policy: Policy, params: Mapping[str, Any], requested_by: str) -> str:
        """What is asked for, in one sentence. Raises PolicyError."""
        if params["purpose"] == "waiver":
            request = waiver_request(params, requested_by)
            require_request(policy, request, moment=datetime.now(UTC))
            return f"{policy.name}: {request.sentence}"
        if not requested_by:
            raise PolicyError([f"{policy.name}: it is not known who asks; start the run as a user"])
        archive = Archive(store_location(policy).open(), policy.name, trust=trust_of(policy, AirflowConnections()))
        manifest = find_run(archive, params.get("run") or "")
        outcome = manifest.content["verdict"]["outcome"]
        return (
            f"{policy.name}: accept the run of {spell_moment(manifest.logical_date)} ({outcome}) as "
            f"{params['purpose']}: {params['reason']}"
        )


class DecideOperator(ApprovalOperator):
    """Waits until one of the approvers approves or rejects; others cannot answer. Both answers go on to be recorded."""

    ui_color = COLOUR

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(subject="A decision is asked for", **kwargs)

    def execute(self, context: Context) -> Any:
        """Ask the approvers of the request, which are known only now."""
        asked = pull_all(context, sorted(self.upstream_task_ids), REQUEST)[0]
        self.subject = f"{asked['model']}: {asked['purpose']}"
        self.body = f"{asked['sentence']}\n\nAsked for by {asked['requested_by']}. The answer is stored as evidence."
        self.assigned_users = [{"id": name, "name": name} for name in asked["approvers"]]
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """Hand the answer on; a rejection skips nothing, because it is evidence too."""
        return HITLOperator.execute_complete(self, context, event)


class RecordDecisionOperator(_DeskOperator):
    """Stores the decision in the archive of the model, with its link of the chain.

    The rule of two persons is applied to who answered. A rejected waiver is stored as refused; a rejected acceptance
    leaves things as they are.

    :param folder: the policies
    """

    def execute(self, context: Context) -> None:
        """Record; AirflowFailException where this person may not decide, or the request no longer fits the policy."""
        before = [task.task_id for task in self.get_dag().tasks if isinstance(task, RequestDecisionOperator)]
        asked = pull_all(context, before, REQUEST)[0]
        answer = pull_all(context, sorted(self.upstream_task_ids), RETURN)[0]
        try:
            self.log.info("%s", record_decision(self.folder, asked, answer))
        except GovernanceError as error:
            if error.infrastructure:
                raise
            raise AirflowFailException(str(error)) from error


def record_decision(folder: str | os.PathLike[str], asked: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
    """Store a decision; returns what was stored, in one sentence.

    Args:
        folder: the policies.
        asked: what RequestDecisionOperator pushed.
        answer: of Airflow's form: `chosen_options`, `responded_at`, `responded_by_user` with `id` and `name`.

    Raises:
        PolicyError: this person may not decide, or the request no longer fits the policy.
        EvidenceError, StoreError: as `decide_waiver` and `accept_run`.
    """
    policy = policy_of_model(folder, asked["model"])
    user = answer.get("responded_by_user") or {}
    by = Person(id=str(user.get("id") or ""), name=str(user.get("name") or ""))
    is_waiver, granted = asked["purpose"] == "waiver", answer["chosen_options"] == [ApprovalOperator.APPROVE]
    require_two_persons(
        policy, approvers=approvers_of(policy), requested_by=asked["requested_by"], by=by,
        check=asked["check"] if is_waiver else None,
    )  # fmt: skip
    moment = responded_at(answer)
    store, signer = store_location(policy).open(), signer_of(policy, AirflowConnections())
    if is_waiver:
        request = waiver_request(asked, asked["requested_by"])
        decision, uri = decide_waiver(policy, store, request, granted=granted, by=by, moment=moment, signer=signer)
        return f"{decision.sentence}\n{uri}"
    if not granted:
        return f"{by.shown} rejected it: {asked['sentence']}; nothing was changed"
    acceptance, uri = accept_run(
        store, policy.name, asked["run"], reason=f"{asked['reason']} (asked for by {asked['requested_by']})",
        by=by.shown, purpose=asked["purpose"], moment=moment, signer=signer,
        trust=trust_of(policy, AirflowConnections()),
    )  # fmt: skip
    return f"{acceptance.sentence}\n{uri}"


def responded_at(answer: Mapping[str, Any]) -> datetime:
    """When a person answered (UTC)."""
    moment = answer["responded_at"]
    return parse_moment(moment) if isinstance(moment, str) else moment.astimezone(UTC)


def waiver_request(params: Mapping[str, Any], requested_by: str) -> WaiverRequest:
    """The request that a form holds; an empty field is a blank one, and an empty key means all keys."""
    fields = {name: (params.get(name) or "").strip() for name in ("check", "metric", "reason", "ticket", "expires")}
    return WaiverRequest(**fields, key=params.get("key") or None, requested_by=requested_by)
