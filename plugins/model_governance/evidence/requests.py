"""The ledger of retraining requests: one entry per run that asked, so that cooldown and budget survive everything.

Entries are create-only and keyed by the run, so a retried or repeated run finds its own.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from model_governance.contract.moments import parse_moment, read_moment_key, spell_moment
from model_governance.contract.result import canonical_json
from model_governance.errors import EvidenceError
from model_governance.evidence.manifest import as_manifest
from model_governance.store import read_verified

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model_governance.policy import RetrainingSpec
    from model_governance.store import ArtifactStore

REQUEST_SCHEMA = "model-governance/retraining-request/v1"
WINDOW_DAYS = 90
_RUNS = "v1/runs/"
_REQUESTS = "v1/retraining/"
_MOMENT = re.compile(r"/run=([0-9T:.-]+Z)/")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingRequest:
    """Why a model should be trained again: the findings of one archived run."""

    model: str
    policy_sha256: str
    logical_date: datetime
    run: Mapping[str, Any]
    outcome: str
    findings: tuple[str, ...]
    manifest: Mapping[str, str]

    @property
    def key(self) -> str:
        """The entry of this run in the ledger, made of the same parts as the key of its manifest."""
        parts = self.manifest["key"].removeprefix(_RUNS).split("/")
        return f"{_REQUESTS}{'/'.join(parts[:3])}.json"

    @property
    def content(self) -> bytes:
        """The stored bytes."""
        return canonical_json(self.record())

    def record(self) -> dict[str, Any]:
        """The request as JSON types."""
        return (
            {"schema": REQUEST_SCHEMA}
            | asdict(self)
            | {"logical_date": self.logical_date.isoformat(), "findings": list(self.findings)}
        )


def requested_manifest(store: ArtifactStore, named: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest under `named["key"]`, once its bytes are shown to have the digest `named["sha256"]`.

    Raises:
        EvidenceError: they have another digest.
        ObjectMissing, StoreUnreachable: as `ArtifactStore.get`.
    """
    return as_manifest(read_verified(store, named), origin=store.locate(named["key"]))


def request_for(
    spec: RetrainingSpec, manifest: Mapping[str, Any], *, key: str, sha256: str
) -> RetrainingRequest | None:
    """The request that a policy's rule makes of an archived run; None where the rule does not hold.

    A finding counts when its outcome is in `when` and its check in `checks` (all when empty). What could
    not be measured is no reason to train.
    """
    counting = [
        finding for finding in manifest["verdict"]["findings"]
        if finding["outcome"] in spec.when and (not spec.checks or finding["check"] in spec.checks)
    ]  # fmt: skip
    if not counting:
        return None
    orchestrator = manifest["run"]["orchestrator"]
    return RetrainingRequest(
        model=manifest["policy"]["name"],
        policy_sha256=manifest["policy"]["sha256"],
        logical_date=parse_moment(manifest["run"]["logical_date"]),
        run={"run_id": manifest["run"]["run_id"], "dag_id": orchestrator.get("dag_id")},
        outcome=manifest["verdict"]["outcome"],
        findings=tuple(finding["sentence"] for finding in counting),
        manifest={"key": key, "sha256": sha256},
    )


def is_booked(store: ArtifactStore, request: RetrainingRequest) -> bool:
    """Whether this run is in the ledger already."""
    return request.key in set(store.keys(request.key))


def refusal(store: ArtifactStore, spec: RetrainingSpec, request: RetrainingRequest) -> str:
    """Why the request must wait, in one sentence; empty when nothing speaks against it.

    Distances count in both directions: a backfilled run next to a request requests nothing new.
    """
    others = {key: _moment(key) for key in store.keys(f"{_REQUESTS}model={request.model}/") if key != request.key}
    gaps = [abs(request.logical_date - moment) for moment in others.values()]
    if spec.cooldown_days and any(gap <= timedelta(days=spec.cooldown_days) for gap in gaps):
        nearest = min(others.values(), key=lambda moment: abs(request.logical_date - moment))
        return f"{request.model} was requested for {spell_moment(nearest)}; the policy waits cooldown_days: {spec.cooldown_days}"
    recent = sum(gap < timedelta(days=WINDOW_DAYS) for gap in gaps)
    if recent >= spec.max_per_90_days:
        return (
            f"{request.model} was requested {recent} times within {WINDOW_DAYS} days of {spell_moment(request.logical_date)}; "
            f"the policy allows max_per_90_days: {spec.max_per_90_days}. Find out why training does not help"
        )
    return ""


def book(store: ArtifactStore, request: RetrainingRequest) -> str:
    """Enter the request and return its uri. Raises as `ArtifactStore.put_once`."""
    return store.put_once(request.key, request.content, media_type="application/json")


def _moment(key: str) -> datetime:
    found = _MOMENT.search(key)
    if found is None:
        raise EvidenceError(f"{key} is no entry of the retraining ledger; expected {_REQUESTS}model=…/run=…/….json")
    return read_moment_key(found[1])
