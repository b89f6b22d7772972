"""What a link of the chain says: an in-toto Statement v1 about a run, an acceptance, a request, a waiver or a promotion.

Numbers of findings are decimal strings, so that every reader of JSON sees the same digits. What is made here has its keys in
the order of the canonical form, so that it need not be sorted to be compared with a payload.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from model_governance.contract.moments import moment_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
ANNOUNCEMENT = "model-governance:announcement/v1"
TEST_RESULT = "https://in-toto.io/attestation/test-result/v0.1"
PREDICATE_TYPES = {
    "run": "model-governance:governance-run/v1",
    "acceptance": "model-governance:acceptance/v1",
    "retraining_request": "model-governance:retraining-request/v1",
    "hold": "model-governance:hold/v1",
    "tombstone": "model-governance:tombstone/v1",
    "waiver": "model-governance:waiver/v1",
    "promotion": "model-governance:promotion/v1",
}
"""What a link may be about, by the type of its predicate."""
DOCUMENTS = {
    "acceptance": "v1/acceptances/",
    "retraining_request": "v1/retraining/",
    "hold": "v1/holds/",
    "tombstone": "v1/tombstones/",
    "waiver": "v1/waivers/",
    "promotion": "v1/promotions/",
}
"""Where the documents of each kind are, below `model=NAME/`."""
KINDS = {predicate: kind for kind, predicate in PREDICATE_TYPES.items()}

_DECIMALS = ("value", "low", "high", "bound", "tolerance", "baseline", "limit", "detectable", "p_value", "level")
_SHOWN = ("metric", "key", "outcome", "severity", "condition", "against", "n", "waiver", "sentence")
_OF_FINDING = tuple((name, name in _DECIMALS) for name in sorted((*_DECIMALS, *_SHOWN)))
"""What is stated of a finding, and whether it is a number."""
_RESULTS = {"fail": "FAILED", "error": "FAILED", "warn": "WARNED", "uncertain": "WARNED", "waived": "WARNED"}
"""Our outcomes in the three words of a test result; what is not here passed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in a chain a link stands: its model, its number from 1 on, and the payload digest of the link before.

    `problem` says what is wrong with the link before, where something is; its digest is then that of its bytes.
    """

    model: str
    sequence: int
    previous: str | None
    recorded_at: datetime
    problem: str = ""

    def record(self) -> dict[str, Any]:
        """The place as JSON types."""
        before = None if self.previous is None else {"sha256": self.previous}
        return {
            "model_name": self.model,
            "previous": before if not self.problem else {"problem": self.problem, **(before or {})},
            "recorded_at": self.recorded_at.isoformat(timespec="milliseconds"),
            "sequence": self.sequence,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEvidence:
    """An archived run, as its link states it.

    Attributes:
        manifest: the manifest.
        address: `key`, `sha256` and `size` of the manifest.
        records: record of each check by name; None where a check did not report.
        page: `key`, `sha256` and `size` of the run's page, where there is one.
        waivers: those of the policy and those granted later that were in force, as JSON types.
        controls: ids of the controls that a kind of check supports, by kind.
        control_map: `key`, `sha256` and `size` of the control map, where there is one.
    """

    manifest: Mapping[str, Any]
    address: Mapping[str, Any]
    records: Mapping[str, Mapping[str, Any] | None]
    page: Mapping[str, Any] | None = None
    waivers: Sequence[Mapping[str, Any]] = ()
    controls: Mapping[str, Sequence[str]] = field(default_factory=dict)
    control_map: Mapping[str, Any] | None = None


def run_statements(evidence: RunEvidence, place: Place) -> tuple[dict[str, Any], dict[str, Any]]:
    """The statement about a governance run, and the same as a test result that other tools read."""
    subjects = run_subjects(evidence)
    manifest, stands = evidence.manifest, place.record()
    predicate = {
        "checks": [_check(row, evidence) for row in manifest["checks"]],
        "controls_sha256": None if evidence.control_map is None else evidence.control_map["sha256"],
        "datasets": [_decimal(dataset) for dataset in manifest["datasets"]],
        "environment": manifest["environment"],
        "finished_at": manifest["finished_at"],
        "manifest": _address(evidence.address),
        "model": manifest["model"] or {"sha256": manifest["policy"]["model_sha256"]},
        "model_name": stands["model_name"],
        "policy": {name: manifest["policy"][name] for name in ("key", "name", "owner", "sha256")},
        "previous": stands["previous"],
        "recorded_at": stands["recorded_at"],
        "run": manifest["run"],
        "sequence": stands["sequence"],
        "started_at": manifest["started_at"],
        "verdict": {name: manifest["verdict"][name] for name in ("fail_on", "on_uncertain", "outcome", "stops")},
        "waivers": list(evidence.waivers),
    }
    governance = _statement(subjects, PREDICATE_TYPES["run"], predicate)
    return governance, _statement(subjects[:1], TEST_RESULT, _test_result(manifest))


def run_subjects(evidence: RunEvidence) -> list[dict[str, Any]]:
    """The model and every object of a run, each with its digest; objects with their key in the store."""
    manifest = evidence.manifest
    subjects = []
    version = (manifest["model"] or {}).get("sha256") or manifest["policy"]["model_sha256"]
    if version:
        subjects.append({"digest": {"sha256": version}, "name": f"model/{manifest['policy']['name']}"})
    policy = manifest["policy"]
    subjects += [
        _subject("run_manifest.json", {**evidence.address, "media_type": "application/json"}),
        _subject("policy.yaml", {"key": policy["key"], "sha256": policy["sha256"]}),
    ]
    if evidence.page is not None:
        subjects.append(_subject("report.html", evidence.page))
    if evidence.control_map is not None:
        subjects.append(_subject("controls.json", evidence.control_map))
    for row in manifest["checks"]:
        for name, stored in (("check.json", row["record"]), ("report.html", row["report"])):
            if stored:
                subjects.append(_subject(f"{row['name']}/{name}", stored))
        subjects += [_subject(f"{row['name']}/{stored['name']}", stored) for stored in row["artifacts"]]
    return subjects


def announcement(key: str, sha256: str) -> dict[str, Any]:
    """The statement that an object is about to be stored, so that a crash behind it can be repaired."""
    subject = _subject(key.rpartition("/")[2], {"key": key, "sha256": sha256})
    return _statement([subject], ANNOUNCEMENT, {})


def document_statement(
    kind: str, document: Mapping[str, Any], place: Place, *, address: Mapping[str, Any]
) -> dict[str, Any]:
    """The statement about a stored document (an acceptance, a request) at `address` (`key`, `sha256`, `size`).

    That about a decision on a version names the records that the decision rests on, too.
    """
    subjects = [_subject(str(address["key"]).rpartition("/")[2], address)]
    rests_on = document["measured"] if kind == "promotion" else ()
    subjects += [_subject(f"{each['of']}/{each['check']}/check.json", _address(each)) for each in rests_on]
    predicate = place.record() | {"document": _decimal(document), "address": _address(address)}
    return _statement(subjects, PREDICATE_TYPES[kind], predicate)


def document_folder(kind: str, model: str) -> str:
    """Where the documents of a kind are."""
    return f"{DOCUMENTS[kind]}model={model}/"


def document_key(kind: str, model: str, *, moment: datetime, content: bytes) -> str:
    """Where a document is stored: its moment, so that keys sort by time, and the digest of its bytes."""
    digest = hashlib.sha256(content).hexdigest()[:16]
    return f"{document_folder(kind, model)}{moment_key(moment)}-{digest}.json"


def decimal(number: float | int | None) -> str | None:
    """A number as the shortest decimal that reads back as the same; None stays.

    >>> decimal(0.1), decimal(3), decimal(None)
    ('0.1', '3', None)
    """
    return None if number is None else repr(number)


def _statement(
    subjects: Iterable[Mapping[str, Any]], predicate_type: str, predicate: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "_type": STATEMENT_TYPE,
        "predicate": dict(predicate),
        "predicateType": predicate_type,
        "subject": [dict(subject) for subject in subjects],
    }


def _subject(name: str, stored: Mapping[str, Any]) -> dict[str, Any]:
    subject: dict[str, Any] = {} if stored.get("size") is None else {"annotations": {"size": stored["size"]}}
    subject["digest"] = {"sha256": stored["sha256"]}
    if stored.get("media_type"):
        subject["mediaType"] = stored["media_type"]
    return subject | {"name": name, "uri": stored["key"]}


def _address(stored: Mapping[str, Any]) -> dict[str, Any]:
    return {"key": stored["key"], "sha256": stored["sha256"]}


def _check(row: Mapping[str, Any], evidence: RunEvidence) -> dict[str, Any]:
    record = evidence.records.get(row["name"])
    result = (record or {}).get("result") or {}
    return {
        "baselines": _decimal(row["baselines"]),
        "controls": list(evidence.controls.get(row["kind"] or "", ())),
        "findings": [_finding(finding) for finding in (record or {}).get("verdict", {}).get("findings", ())],
        "kind": row["kind"],
        "name": row["name"],
        "outcome": row["outcome"],
        "record": _address(row["record"]) if row["record"] else None,
        "seed": None if record is None else decimal(record["seed"]),
        "status": result.get("status") or "not_measured",
        "stops": row["stops"],
        "tools": dict(result.get("tools") or {}),
    }


def _finding(finding: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _decimal(finding[name]) if is_number else finding[name] for name, is_number in _OF_FINDING}


def _decimal(value: Any) -> Any:
    """JSON types with every number as a decimal string; true and false stay."""
    if isinstance(value, str | bool) or value is None:
        return value
    if isinstance(value, float | int):
        return repr(value)
    if isinstance(value, dict):
        return {name: _decimal(part) for name, part in value.items()}
    return [_decimal(part) for part in value]


def _test_result(manifest: Mapping[str, Any]) -> dict[str, Any]:
    named: dict[str, list[str]] = {"PASSED": [], "WARNED": [], "FAILED": []}
    for row in manifest["checks"]:
        named["FAILED" if row["stops"] else _RESULTS.get(row["outcome"], "PASSED")].append(row["name"])
    verdict, policy = manifest["verdict"], manifest["policy"]
    return {
        "configuration": [_subject("policy.yaml", {"key": policy["key"], "sha256": policy["sha256"]})],
        "failedTests": named["FAILED"],
        "passedTests": named["PASSED"],
        "result": "FAILED" if verdict["stops"] else _RESULTS.get(verdict["outcome"], "PASSED"),
        "warnedTests": named["WARNED"],
    }
