"""The record of one check: everything but times, so that the same inputs give the same bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from model_governance.contract.documents import describe_faults, read_document, require_form
from model_governance.contract.result import Artifact, canonical_json
from model_governance.errors import CheckError
from model_governance.evidence.forms import RecordForm, ResultForm
from model_governance.store import read_verified

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from model_governance.contract.check import Check
    from model_governance.contract.model import Model
    from model_governance.contract.result import CheckResult
    from model_governance.contract.subject import Subject
    from model_governance.evidence.damage import Damage
    from model_governance.policy import Policy
    from model_governance.store import ArtifactStore
    from model_governance.verdict import Baseline, Verdict

CHECK_SCHEMA = "model-governance/check/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierVerdict:
    """The verdict of a check in a previous run, and `key` and `sha256` of the record that holds it."""

    verdict: Verdict
    record: Mapping[str, str]


def check_record(
    policy: Policy,
    name: str,
    *,
    check: Check,
    subject: Subject | None,
    seed: int | None,
    result: CheckResult | None,
    verdict: Verdict,
    problem: str,
    baselines: Mapping[str, Mapping[str, Any] | None] = {},
    judged: Mapping[str, Any] = {},
    champion: Subject | None = None,
    damaged: Sequence[Damage] = (),
) -> dict[str, Any]:
    """One check of one policy as JSON types; subject and result are None when it could not measure.

    `baselines` are the runs that changes were measured from, as `BaselineRun.record` gives them; `judged` is what else the
    verdict rests on, as `judged_by` gives it; `champion` is the subject of the champion where it was measured; `damaged`
    are the objects of earlier runs that were left out.
    """
    return {
        "schema": CHECK_SCHEMA,
        "check": name,
        "kind": check.kind,
        "title": check.title,
        "question": check.question,
        "advice": check.advice.record(),
        "policy": {
            "name": policy.name,
            "sha256": policy.sha256,
            "file_sha256": policy.file_sha256,
            "owner": policy.owner,
            "description": policy.description,
        },
        "model": _model(subject.model if subject else None),
        "champion": _champion(subject, champion),
        "datasets": _datasets(subject),
        "earlier": _earlier(subject),
        "damaged": [damage.record() for damage in damaged],
        "baselines": dict(baselines),
        "judged": dict(judged),
        "seed": seed,
        "params": _params(policy, name, check, subject),
        "result": result.record() if result else None,
        "problem": problem,
        "verdict": verdict.record(),
    }


def judged_by(
    basis: str,
    earlier: Sequence[EarlierVerdict],
    *,
    champion: Mapping[str, Baseline] | None,
    waivers: Sequence[Mapping[str, str]] = (),
) -> dict[str, Any]:
    """What a verdict rests on beside result, policy and baseline runs, as JSON types: enough to judge again.

    Args:
        basis: digest of what the metrics were compared with.
        earlier: verdicts of previous runs, the newest first.
        champion: the champion's numbers by label, where a threshold asks for them.
        waivers: `key` and `sha256` of the decisions that granted waivers of the check.
    """
    numbers = None if champion is None else {label: base.record() for label, base in champion.items()}
    return {
        "basis": basis, "earlier": [dict(previous.record) for previous in earlier], "champion": numbers,
        "waivers": [dict(address) for address in waivers],
    }  # fmt: skip


def recordable(result: CheckResult) -> CheckResult:
    """The result, once it is shown that a record can hold it and can be read again.

    Raises:
        CheckError: it holds what JSON does not, or what no reader of a record would take; the field is named.
    """
    record = result.record()
    try:
        canonical_json(record)
        ResultForm.model_validate(record)
    except ValidationError as error:
        raise CheckError(
            f"{result.kind} returned a result that no record can hold: {describe_faults(error)}"
        ) from error
    except (TypeError, ValueError) as error:
        raise CheckError(
            f"{result.kind} returned a result that is no JSON: {error}; use plain Python values"
        ) from error
    return result


def read_record(store: ArtifactStore, stored: Mapping[str, Any]) -> dict[str, Any]:
    """The record behind an address, once its bytes are shown to have the digest that was reported.

    Raises:
        EvidenceError: they have another digest, are no record of a check of the version this release reads, or a field
            does not fit.
        ObjectMissing, StoreUnreachable: as `ArtifactStore.get`.
    """
    return as_record(read_verified(store, stored), origin=store.locate(stored["key"]))


def as_record(content: bytes, *, origin: str) -> dict[str, Any]:
    """The record in these bytes; `origin` names them in messages.

    Raises:
        EvidenceError: they are no record of a check, one of another schema version, or a field does not fit.
    """
    record = read_document(content, origin=origin, schema=CHECK_SCHEMA)
    require_form(record, RecordForm, origin=origin)
    return record


def _model(model: Model | None) -> dict[str, Any] | None:
    if model is None:
        return None
    facts = {"name": model.name, "format": model.format, "sha256": model.sha256, "task": model.task}
    return facts | ({"written_by": model.written_by} if model.written_by else {})


def _champion(subject: Subject | None, champion: Subject | None) -> dict[str, Any] | None:
    """The champion that took part, by the digest of the bytes that were loaded, or read where nothing loads them."""
    loaded = (champion.model if champion else None) or (subject.champion if subject else None)
    if loaded is None and champion is not None and champion.model_file is not None:
        file = champion.model_file
        return {"name": champion.name, "format": file.format, "sha256": file.sha256, "task": champion.task}
    return _model(loaded)


def _datasets(subject: Subject | None) -> list[dict[str, Any]]:
    if subject is None:
        return []
    ordered = sorted(subject.datasets.values(), key=lambda dataset: dataset.role)
    return [
        {"role": dataset.role, "uri": dataset.uri, "sha256": dataset.sha256, "rows": dataset.rows, **dataset.origin}
        for dataset in ordered
    ]


def file_manifests(subject: Subject | None) -> tuple[Artifact, ...]:
    """The lists of files of datasets of many; the digest of each is that of its dataset."""
    datasets = subject.datasets.values() if subject else ()
    return tuple(
        Artifact(name=f"files_{dataset.role}.json", media_type="application/json", content=dataset.manifest)
        for dataset in datasets
        if dataset.manifest is not None
    )


def _earlier(subject: Subject | None) -> list[dict[str, Any]]:
    """What of previous runs went into this one."""
    runs = subject.earlier if subject else ()
    return [
        {"logical_date": run.logical_date.isoformat(), "name": run.name, "key": run.key, "sha256": run.sha256}
        for run in runs
    ]


def _params(policy: Policy, name: str, check: Check, subject: Subject | None) -> dict[str, Any]:
    """Every param with its default; files by the path the policy spells and the digest of the bytes that were read."""
    params = check.params.model_validate(policy.checks[name].params).model_dump(mode="json")
    files = subject.param_files if subject else {}
    for param in check.file_params:
        if params.get(param) is not None:
            params[param] = {"path": params[param], "sha256": files[param].sha256 if param in files else None}
    return params
