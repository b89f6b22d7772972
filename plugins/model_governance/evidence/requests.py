"""The ledger of retraining requests: one entry per run that asked, so that cooldown and budget survive everything.

Entries are create-only and keyed by the run, so a retried or repeated run finds its own. A damaged entry still counts as
the request that its key names: damage must not buy another training. Who asks is told.
"""

from __future__ import annotations

import logging
import re
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from model_governance.contract.documents import read_document, require_form
from model_governance.contract.moments import parse_moment, read_moment_key, spell_moment
from model_governance.contract.result import canonical_json
from model_governance.errors import EvidenceError, ObjectConflict, ObjectMissing
from model_governance.evidence.forms import RequestForm
from model_governance.evidence.links import store_document
from model_governance.evidence.manifest import RUNS
from model_governance.evidence.reading import NOT_USED, read_archived
from model_governance.evidence.statement import DOCUMENTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from model_governance.evidence.envelope import Signer
    from model_governance.policy import RetrainingSpec
    from model_governance.store import ArtifactStore

log = logging.getLogger(__name__)

REQUEST_SCHEMA = "model-governance/retraining-request/v1"
TURN_SCHEMA = "model-governance/retraining-turn/v1"
WINDOW_DAYS = 90
_REQUESTS = DOCUMENTS["retraining_request"]
_MOMENT = re.compile(r"/run=([0-9T:.-]+Z)/")


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainingRequest:
    """Why a model should be trained again: the findings of one archived run.

    `head` holds `sequence` and `sha256` of the run's link: the chain that the request rests on ends there. Requests of earlier
    releases have none.
    """

    model: str
    policy_sha256: str
    logical_date: datetime
    run: Mapping[str, Any]
    outcome: str
    findings: tuple[str, ...]
    manifest: Mapping[str, str]
    head: Mapping[str, Any] | None = None

    @property
    def key(self) -> str:
        """The entry of this run in the ledger, made of the same parts as the key of its manifest."""
        parts = self.manifest["key"].removeprefix(RUNS).split("/")
        moment, run = parts[-4:-2] if len(parts) > 4 else ("", "")
        return f"{_REQUESTS}{parts[0]}/run={moment.removeprefix('run=')}/{run}.json"

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
    """The manifest under `named["key"]`, once it is shown to be the run of its key and to have the digest `named["sha256"]`.

    Raises:
        EvidenceError: it is another one, or a field of it does not fit.
        ObjectMissing, StoreUnreachable: as `ArtifactStore.get`.
    """
    manifest = read_archived(store, named["key"])
    if manifest.sha256 != named["sha256"]:
        raise EvidenceError(
            f"{store.locate(manifest.key)}: expected sha256 {named['sha256']}, found {manifest.sha256}; {NOT_USED}"
        )
    return manifest.content


def request_for(
    spec: RetrainingSpec, manifest: Mapping[str, Any], *, key: str, sha256: str, head: Mapping[str, Any] | None = None
) -> RetrainingRequest | None:
    """The request that a policy's rule makes of an archived run; None where the rule does not hold.

    A finding counts when its outcome is in `when` and its check in `checks` (all when empty). What could
    not be measured is no reason to train, and neither is what is for information only: damage of earlier runs.
    """
    counting = [
        finding for finding in manifest["verdict"]["findings"]
        if finding["outcome"] in spec.when and finding.get("severity") != "info"
        and (not spec.checks or finding["check"] in spec.checks)
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
        head=head,
    )


def is_booked(store: ArtifactStore, request: RetrainingRequest) -> bool:
    """Whether this run is in the ledger already."""
    return request.key in set(store.keys(request.key))


def damaged_entries(store: ArtifactStore, request: RetrainingRequest) -> list[str]:
    """What is wrong with the entries of the model within the budget's days, one sentence each."""
    sentences = []
    for key, moment in _entries(store, request.model).items():
        if abs(request.logical_date - moment) < timedelta(days=WINDOW_DAYS):
            try:
                _require_entry(store, key, request.model)
            except (EvidenceError, ObjectMissing) as error:
                sentences.append(f"{error} It counts as a request for {spell_moment(moment)}, as its key says")
    return sentences


def take_turn(store: ArtifactStore, spec: RetrainingSpec, request: RetrainingRequest) -> str:
    """Why the request must wait, in one sentence; empty where it may be booked, by this run and by no other at the same time.

    Several runs may ask at once and see the same ledger. Before it books, each creates the next object of a numbered
    series, which only one of them can; the others look again. A run that was killed before it booked has its turn still.

    Raises:
        EvidenceError: an object of the series is no turn.
        StoreError, StoreUnreachable: as `ArtifactStore`.
    """
    while True:
        turns = _turns(store, request.model)
        if request.key in turns.values():
            return ""
        if reason := refusal(store, spec, request, also=turns.values()):
            return reason
        key = f"{_turn_folder(request.model)}{max(turns, default=0) + 1:06d}.json"
        content = canonical_json({"schema": TURN_SCHEMA, "request": request.key})
        try:
            store.put_once(key, content, media_type="application/json")
        except ObjectConflict:
            continue
        return ""


def refusal(store: ArtifactStore, spec: RetrainingSpec, request: RetrainingRequest, *, also: Iterable[str] = ()) -> str:
    """Why the request must wait, in one sentence; empty when nothing speaks against it.

    Distances count in both directions: a backfilled run next to a request requests nothing new. `also` are keys of requests
    that are about to be booked.
    """
    for sentence in damaged_entries(store, request):
        log.warning("%s", sentence)
    others = _entries(store, request.model) | {key: _moment(key) for key in also}
    others.pop(request.key, None)
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


def book(store: ArtifactStore, request: RetrainingRequest, *, signer: Signer | None = None) -> str:
    """Enter the request, append its link to the chain, and return its uri. Raises as `store_document`."""
    return store_document(
        store, "retraining_request", request.model, key=request.key, content=request.content, signer=signer
    )


def _entries(store: ArtifactStore, model: str) -> dict[str, datetime]:
    """The keys of all entries of a model, each with the moment in it."""
    return {key: _moment(key) for key in store.keys(f"{_REQUESTS}model={model}/")}


def _turn_folder(model: str) -> str:
    return f"v1/retraining-turns/model={model}/"


def _turns(store: ArtifactStore, model: str) -> dict[int, str]:
    """The key of the request of each turn that was taken, by number."""
    turns = {}
    for key in store.keys(_turn_folder(model)):
        turn = read_document(store.get(key), origin=store.locate(key), schema=TURN_SCHEMA)
        number = key.removeprefix(_turn_folder(model)).removesuffix(".json")
        if not number.isdecimal() or not isinstance(turn.get("request"), str):
            raise EvidenceError(f"{store.locate(key)}: expected a turn of the retraining ledger; {NOT_USED}")
        turns[int(number)] = turn["request"]
    return turns


def _require_entry(store: ArtifactStore, key: str, model: str) -> None:
    """Nothing, where the entry under a key is a request of this model for the run in its key.

    Raises:
        EvidenceError: it is not.
        ObjectMissing, StoreUnreachable: as `ArtifactStore.get`.
    """
    origin = store.locate(key)
    entry = read_document(store.get(key), origin=origin, schema=REQUEST_SCHEMA)
    require_form(entry, RequestForm, origin=origin)
    fields: dict[str, Any] = {name: entry.get(name) for name in RetrainingRequest.__slots__}
    request = RetrainingRequest(**fields | {"logical_date": parse_moment(entry["logical_date"])})
    facts = (request.model, request.logical_date, request.key)
    if facts != (model, _moment(key), key):
        raise EvidenceError(
            f"{origin}: expected a request of {model} for the run in its key, found one of {request.model} for "
            f"{spell_moment(request.logical_date)}; {NOT_USED}."
        )


def _moment(key: str) -> datetime:
    found = _MOMENT.search(key)
    try:
        return read_moment_key(found[1] if found else "")
    except ValueError as error:
        raise EvidenceError(
            f"{key} is no entry of the retraining ledger; expected {_REQUESTS}model=…/run=…/….json. Remove it, or find out "
            "who writes below this prefix"
        ) from error
