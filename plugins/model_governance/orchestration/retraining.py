"""Requests for a new model: an asset event that a retraining DAG is scheduled on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from model_governance.authoring.retrain import stop_training
from model_governance.errors import PolicyError
from model_governance.evidence.requests import book, is_booked, request_for, requested_manifest, take_turn
from model_governance.evidence.signing import signer_of
from model_governance.evidence.trust import trust_of
from model_governance.orchestration.assets import retraining_asset
from model_governance.orchestration.between_tasks import ARCHIVE, GovernanceViolation, pull_all
from model_governance.orchestration.operators import PolicyOperator
from model_governance.orchestration.stores import AirflowConnections, StoreLocation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow.sdk import Context

    from model_governance.evidence.requests import RetrainingRequest
    from model_governance.store import ArtifactStore

FINDINGS = 20
"""The most sentences in an event; the manifest has all of them."""


def manifest_behind(extra: Mapping[str, Any]) -> dict[str, Any]:
    """The archived run that requested a retraining, from the `extra` of its event, with its digest checked.

    Raises:
        EvidenceError: the archive no longer holds the bytes that the request was made for.
        ObjectMissing, StoreUnreachable: as `ArtifactStore.get`.
    """
    location = extra["store"]
    store = StoreLocation(uri=location["uri"], folder=Path.cwd(), connection=location["connection"]).open()
    return requested_manifest(store, extra["manifest"])


class RequestRetrainingOperator(PolicyOperator):
    """Emits an asset event when the policy's retraining rule holds and its budget allows; skips otherwise.

    Failed and skipped tasks emit no events, hence a task of its own that succeeds only when it requests. The
    ledger in the archive keeps cooldown and budget; the events that Airflow has on record show whether
    this run requested already, so that neither a retry loses a request nor a repeated run requests twice.
    """

    def __init__(self, *, trigger_rule: str = "all_done", **kwargs: Any) -> None:
        super().__init__(trigger_rule=trigger_rule, **kwargs)
        if self.policy.retraining is None:
            raise PolicyError([f"policy {self.policy.name}: no `retraining:`, so nothing can be requested; add it"])
        self.retraining_policy = self.policy.retraining
        self.asset = retraining_asset(self.policy.name)
        self.add_outlets([self.asset])
        self.add_inlets([self.asset])

    def execute(self, context: Context) -> None:
        """Decide from the archived run, book in the ledger, emit.

        Raises:
            GovernanceViolation: training does not help; a person is asked instead.
            AirflowSkipException: the rule does not hold, the budget is used up, or this run requested already.
        """
        archives = pull_all(context, sorted(self.upstream_task_ids), ARCHIVE)
        if len(archives) != 1:
            raise AirflowSkipException(f"{len(archives)} archived runs upstream, expected 1; nothing can be decided")
        archived = archives[0]
        if archived.get("dry"):
            raise AirflowSkipException("no retraining: a dry run requests nothing")
        self.report_url = archived["report_url"]
        location = self.location()
        store = location.open()
        request = self._request(context, archived, store)
        context["outlet_events"][self.asset].extra = request.record() | {
            "findings": [*request.findings[:FINDINGS]],
            "findings_total": len(request.findings),
            "manifest": {**request.manifest, "uri": archived["manifest"]["uri"]},
            "store": {"uri": store.uri, "connection": location.connection},
        }
        self.log.info("requested a new %s:\n%s", request.model, "\n".join(request.findings[:FINDINGS]))

    def _request(self, context: Context, archived: Mapping[str, Any], store: ArtifactStore) -> RetrainingRequest:
        """The request, booked. Raises AirflowSkipException with the reason where there is none to make."""
        policy, manifest = self.retraining_policy, archived["manifest"]
        head = {name: archived["link"][name] for name in ("sequence", "sha256")}
        request = request_for(
            policy, requested_manifest(store, manifest), key=manifest["key"], sha256=manifest["sha256"], head=head
        )
        if request is None:
            checks = ", ".join(policy.checks) or "any check"
            raise AirflowSkipException(f"no retraining: nothing is {' or '.join(policy.when)} in {checks}")
        if is_booked(store, request) and self._was_emitted(context, request):
            raise AirflowSkipException(f"no retraining: this run requested already ({store.locate(request.key)})")
        self._require_gain(store, manifest)
        if not is_booked(store, request) and (reason := take_turn(store, policy, request)):
            raise AirflowSkipException(f"no retraining: {reason}")
        book(store, request, signer=signer_of(self.policy, AirflowConnections()))
        return request

    def _require_gain(self, store: ArtifactStore, manifest: Mapping[str, Any]) -> None:
        """Nothing, as long as training helps; otherwise it is stored that training is stopped.

        Raises:
            GovernanceViolation: as many trainings in a row as the policy allows ended without a better model.
        """
        if self.policy.promotion is None:
            return
        connections = AirflowConnections()
        stopped = stop_training(
            self.policy, store, manifest, signer=signer_of(self.policy, connections),
            trust=trust_of(self.policy, connections),
        )  # fmt: skip
        if stopped is not None:
            raise GovernanceViolation(stopped.sentence)

    def _was_emitted(self, context: Context, request: RetrainingRequest) -> bool:
        source = (request.run["dag_id"], request.run["run_id"])
        return any(
            (event.source_dag_id, event.source_run_id) == source for event in context["inlet_events"][self.asset]
        )
