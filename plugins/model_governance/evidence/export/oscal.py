"""OSCAL assessment results (NIST OSCAL 1.1): each run a result, each check an observation, each failed check a finding.

OSCAL has two words for the state of a finding, satisfied and not satisfied. What a check measured supports a control and never
satisfies it, so a check that passed is an observation with its outcome and no finding.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from model_governance.contract.moments import parse_moment, spell_moment
from model_governance.evidence.export.bom import NAMESPACE, PACKAGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from model_governance.evidence.export.selection import ExportedRun, Selection

OSCAL_VERSION = "1.1.3"
OWN = "model-governance:oscal/v1"
"""Namespace of our properties."""
NOT_SATISFIED = ("fail", "error")
"""Outcomes of a check that are findings."""
_NO_TOKEN = re.compile(r"[^A-Za-z0-9._-]")


def assessment_results(selection: Selection, *, head: str) -> bytes:
    """The assessment results as JSON; their times are those of the runs.

    Args:
        selection: what is exported; at least one run.
        head: digest of the newest link, of which the identifiers are made.
    """
    policies = {run.manifest["policy"]["sha256"]: run.manifest["policy"] for run in selection.runs}
    plan = selection.runs[-1].manifest["policy"]["sha256"]
    document = {
        "uuid": _uuid(selection.model, str(selection.period), head),
        "metadata": {
            "title": f"Governance runs of the model {selection.model}, {selection.period}",
            "last-modified": selection.runs[-1].link.recorded_at.isoformat(timespec="seconds"),
            "version": head,
            "oscal-version": OSCAL_VERSION,
            "props": [_property("tool", f"{PACKAGE} {version(PACKAGE)}"), _property("chain-head", head)],
        },
        "import-ap": {"href": f"#{_uuid('policy', plan)}"},
        "results": [_result(run) for run in selection.runs],
        "back-matter": {"resources": [_policy(policies[sha256]) for sha256 in sorted(policies)]},
    }
    return (json.dumps({"assessment-results": document}, indent=2, ensure_ascii=False) + "\n").encode()


def _result(run: ExportedRun) -> dict[str, Any]:
    manifest, verdict = run.manifest, run.manifest["verdict"]
    stated = {check["name"]: check for check in run.link.predicate["checks"]}
    controls = sorted({control for check in stated.values() for control in check["controls"]})
    moment = spell_moment(parse_moment(run.moment))
    findings = [
        _finding(run, row, stated[row["name"]]) for row in manifest["checks"] if row["outcome"] in NOT_SATISFIED
    ]
    result: dict[str, Any] = {
        "uuid": _uuid(run.link.digest),
        "title": f"Run of {moment}: {verdict['outcome']}",
        "description": f"Governance run {manifest['run']['run_id']} of the data of {moment}; link {run.link.sequence} of the chain.",
        "start": parse_moment(manifest["started_at"]).isoformat(),
        "end": parse_moment(manifest["finished_at"]).isoformat(),
        "props": [
            _property("verdict", verdict["outcome"]),
            _property("stops", str(verdict["stops"]).lower()),
            _property("policy-sha256", manifest["policy"]["sha256"]),
            _property("link-sha256", run.link.digest),
        ],
        "reviewed-controls": {"control-selections": [_selection(controls)]},
        "observations": [_observation(run, row, stated[row["name"]]) for row in manifest["checks"]],
    }  # fmt: skip
    return result | ({"findings": findings} if findings else {})


def _selection(controls: Iterable[str]) -> dict[str, Any]:
    included = [{"control-id": token(control)} for control in controls]
    if not included:
        return {"description": "The checks of this run support no control of the control map."}
    return {
        "description": "Controls that the checks of this run support; none is said to be satisfied.",
        "include-controls": included,
    }


def _observation(run: ExportedRun, row: Mapping[str, Any], stated: Mapping[str, Any]) -> dict[str, Any]:
    """What a check found, with the address of its record."""
    sentences = [finding["sentence"] for finding in stated["findings"]] or [row["sentence"]]
    observation: dict[str, Any] = {
        "uuid": _uuid(run.link.digest, row["name"]),
        "title": f"{row['name']}: {row['outcome']}",
        "description": "\n\n".join(filter(None, sentences)) or f"{row['name']}: {row['outcome']}",
        "props": [
            _property("check", row["name"]),
            *([_property("kind", row["kind"])] if row["kind"] else []),
            _property("outcome", row["outcome"]),
            *(_property("supports", control) for control in stated["controls"]),
        ],
        "methods": ["TEST"],
        "collected": parse_moment(row["started_at"] or run.manifest["finished_at"]).isoformat(),
    }  # fmt: skip
    evidence = [
        {
            "href": stored["key"],
            "description": f"{name} of the check",
            "props": [_property("sha256", stored["sha256"])],
        }
        for name, stored in (("record", row["record"]), ("report", row["report"]))
        if stored
    ]
    return observation | ({"relevant-evidence": evidence} if evidence else {})


def _finding(run: ExportedRun, row: Mapping[str, Any], stated: Mapping[str, Any]) -> dict[str, Any]:
    """A check that failed or could not measure: its own objective, the thresholds of the policy, is not satisfied."""
    return {
        "uuid": _uuid(run.link.digest, row["name"], "finding"),
        "title": f"{row['name']}: {row['outcome']}",
        "description": row["sentence"] or f"{row['name']}: {row['outcome']}",
        "props": [_property("supports", control) for control in stated["controls"]] or [_property("supports", "none")],
        "target": {
            "type": "objective-id",
            "target-id": token(row["name"]),
            "title": f"Thresholds of the check {row['name']} in the policy {run.manifest['policy']['name']}",
            "status": {"state": "not-satisfied", "reason": "fail" if row["outcome"] == "fail" else "other"},
        },
        "related-observations": [{"observation-uuid": _uuid(run.link.digest, row["name"])}],
    }  # fmt: skip


def _policy(policy: Mapping[str, Any]) -> dict[str, Any]:
    """A policy, which is the plan of the assessment."""
    return {
        "uuid": _uuid("policy", policy["sha256"]),
        "title": f"Policy of {policy['name']}",
        "description": policy["description"] or f"Policy of {policy['name']}",
        "rlinks": [{"href": policy["key"], "hashes": [{"algorithm": "SHA-256", "value": policy["sha256"]}]}],
    }


def token(text: str) -> str:
    """An OSCAL token of an id, which holds neither colons nor blanks: `NIST-AI-RMF_MEASURE_2.3`.

    >>> token("NIST-AI-RMF:MEASURE 2.3"), token("2nd look")
    ('NIST-AI-RMF_MEASURE_2.3', '_2nd_look')
    """
    found = _NO_TOKEN.sub("_", text)
    return found if re.match("[A-Za-z_]", found) else f"_{found}"


def _property(name: str, value: str) -> dict[str, str]:
    return {"name": name, "ns": OWN, "value": " ".join(value.split()) or "none"}


def _uuid(*parts: str) -> str:
    return str(uuid.uuid5(NAMESPACE, hashlib.sha256("\n".join(("oscal", *parts)).encode()).hexdigest()))
