"""CycloneDX 1.6 ML-BOM: the model versions and the data of the period, and a model card with the newest numbers."""

from __future__ import annotations

import hashlib
import json
import uuid
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from model_governance.contract.moments import parse_moment
from model_governance.evidence.statement import decimal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from model_governance.evidence.export.selection import ExportedRun, Selection

PACKAGE = "airflow-model-governance"
NAMESPACE = uuid.UUID("2f1b5a0e-6a2c-5f0e-9b7e-6d0f3c1a7e55")


def bill_of_materials(selection: Selection, *, head: str) -> bytes:
    """The bill of materials as JSON; its time is that of the newest run's link.

    Args:
        selection: what is exported; at least one run.
        head: digest of the newest link, of which the serial number is made.
    """
    newest = newest_by_version(selection)
    (_, last), *earlier = reversed(newest.items())
    components = [_model(sha256, run, selection) for sha256, run in earlier] + list(_datasets(selection))
    serial = uuid.uuid5(NAMESPACE, f"{selection.model} {selection.period} {head}")
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "timestamp": last.link.recorded_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "tools": {"components": [{"type": "application", "name": PACKAGE, "version": version(PACKAGE)}]},
            "component": _model(next(reversed(newest)), last, selection),
            "properties": [
                _property("period", str(selection.period)), _property("chain-head", head),
                _property("runs", str(len(selection.runs))),
            ],
        },
        "components": components,
    }  # fmt: skip
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def newest_by_version(selection: Selection) -> dict[str, ExportedRun]:
    """The newest run of each model version by its digest, in the order in which the versions were run last."""
    found: dict[str, ExportedRun] = {}
    for run in sorted(selection.runs, key=lambda run: (parse_moment(run.moment), run.link.sequence)):
        sha256 = (run.manifest["model"] or {}).get("sha256") or run.manifest["policy"]["model_sha256"] or ""
        found.pop(sha256, None)
        found[sha256] = run
    return found


def _model(sha256: str, run: ExportedRun, selection: Selection) -> dict[str, Any]:
    """A model version with the card of its newest run."""
    manifest, model = run.manifest, run.manifest["model"] or {}
    roles = sorted({(dataset["role"], dataset["sha256"]) for dataset in manifest["datasets"]})
    parameters: dict[str, Any] = {"datasets": [{"ref": _reference(*dataset)} for dataset in roles]}
    if model.get("task"):
        parameters["task"] = model["task"]
    card: dict[str, Any] = {"modelParameters": parameters}
    if metrics := [_metric(finding) for finding in manifest["verdict"]["findings"] if finding["value"] is not None]:
        card["quantitativeAnalysis"] = {"performanceMetrics": metrics}
    component = {
        "type": "machine-learning-model",
        "bom-ref": f"model:{sha256 or 'unknown'}",
        "name": selection.model,
        "version": sha256 or "unknown",
        "description": manifest["policy"]["description"],
        "modelCard": card,
        "properties": [
            _property("verdict", manifest["verdict"]["outcome"]),
            _property("logical-date", run.moment),
            _property("policy-sha256", manifest["policy"]["sha256"]),
            _property("format", model.get("format") or "not read"),
        ],
        "externalReferences": [
            {
                "type": "attestation",
                "url": run.link.key,
                "hashes": _hashes(hashlib.sha256(run.link.content).hexdigest()),
            }
        ],
    }
    return component | ({"hashes": _hashes(sha256)} if sha256 else {})


def _metric(finding: Mapping[str, Any]) -> dict[str, Any]:
    """A judged number as a performance metric; CycloneDX holds numbers as text."""
    metric: dict[str, Any] = {"type": f"{finding['check']}: {finding['metric']}", "value": decimal(finding["value"])}
    if finding["key"] is not None:
        metric["slice"] = str(finding["key"])
    if finding["low"] is not None and finding["high"] is not None:
        metric["confidenceInterval"] = {"lowerBound": decimal(finding["low"]), "upperBound": decimal(finding["high"])}
    return metric


def _datasets(selection: Selection) -> Iterator[dict[str, Any]]:
    """Every dataset that a run of the period saw, once per role and digest."""
    seen = {
        (dataset["role"], dataset["sha256"]): dataset for run in selection.runs for dataset in run.manifest["datasets"]
    }
    for (role, sha256), dataset in sorted(seen.items()):
        yield {
            "type": "data",
            "bom-ref": _reference(role, sha256),
            "name": f"{role}: {dataset['uri']}",
            "hashes": _hashes(sha256),
            "data": [{"type": "dataset", "name": role, "contents": {"properties": [_property("rows", str(dataset["rows"]))]}}],
        }  # fmt: skip


def _reference(role: str, sha256: str) -> str:
    return f"data:{role}:{sha256}"


def _hashes(sha256: str) -> list[dict[str, str]]:
    return [{"alg": "SHA-256", "content": sha256}]


def _property(name: str, value: str) -> dict[str, str]:
    return {"name": f"model-governance:{name}", "value": value}
