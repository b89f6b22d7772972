"""The violations of a run as `constraint_violations.json` of SageMaker Model Monitor, for alarms that read that file.

Source: Amazon SageMaker AI Developer Guide, "Schema for Violations" and "Model quality metrics".
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

from model_governance.formats.sagemaker_names import METRICS
from model_governance.store import read_verified
from model_governance.verdict import read_verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from model_governance.evidence.export.selection import ExportedRun
    from model_governance.store import ArtifactStore
    from model_governance.verdict import Finding

Violation = dict[str, str]
Status = Literal["Completed", "CompletedWithViolations", "Failed"]
RESULTS = "validation.json"
CHECK_TYPES: Mapping[str, str] = {
    "expect_column_to_exist": "missing_column_check",
    "expect_column_values_to_be_of_type": "data_type_check",
    "expect_column_values_to_not_be_null": "completeness_check",
    "expect_column_values_to_be_in_set": "categorical_values_check",
}
"""The check types of SageMaker for expectations on one column."""
COLUMNS = "expect_table_columns_to_match_set"
DISTANCES = ("ks", "psi", "jensenshannon", "total_variation", "wasserstein", "drift_score")
QUALITY: Mapping[str, str] = {metric: name for name, metric in METRICS.items()}
OPERATORS = {"geq_to": "LessThanThreshold", "greater_than": "LessThanThreshold", "leq_to": "GreaterThanThreshold",
             "less_than": "GreaterThanThreshold"}  # fmt: skip
UNMET = ("fail", "warn")


def violations_of(store: ArtifactStore, run: ExportedRun) -> tuple[list[Violation], int, Status]:
    """The violations of a run, how many have no check type of SageMaker, and the status of the execution.

    A violation without evidence (`uncertain`) and one that a waiver covers are none. Expectations of severity `info`
    demand nothing.

    Args:
        store: the archive.
        run: a run of it.

    Raises:
        StoreUnreachable, StoreError: an object cannot be read.
        EvidenceError: it is not the object that the record names.
    """
    found: list[Violation] = []
    unnamed = 0
    for record in run.records.values():
        if record is None:
            continue
        unmet = [finding for finding in read_verdict(record["verdict"]).findings if finding.outcome in UNMET]
        results = _results(store, record) if unmet else None
        new, others = _of_findings(unmet) if results is None else _of_expectations(results)
        found += new
        unnamed += others
    outcomes = {record["verdict"]["outcome"] if record else "error" for record in run.records.values()}
    status: Status = "Completed" if not found and not unnamed else "CompletedWithViolations"
    return found, unnamed, "Failed" if "error" in outcomes else status


def _results(store: ArtifactStore, record: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The results of expectations, from the stored object that the record names; None where the check has none."""
    stored = next((entry for entry in record["stored"] if entry["name"] == RESULTS), None)
    if stored is None:
        return None
    results: list[dict[str, Any]] = json.loads(read_verified(store, stored))["results"]
    return results


def _of_expectations(results: list[dict[str, Any]]) -> tuple[list[Violation], int]:
    found: list[Violation] = []
    unnamed = 0
    missing = {entry["kwargs"].get("column") for entry in results if _is_missing_column(entry)}
    for entry in results:
        if entry["success"] or entry["severity"] == "info":
            continue
        column = entry["kwargs"].get("column")
        if entry["type"] == COLUMNS:
            new = list(_of_columns(entry, known=missing))
            found += new
            unnamed += not (new or missing)
        elif column in missing and not _is_missing_column(entry):
            continue  # SageMaker reports a column that is not there once
        elif check_type := CHECK_TYPES.get(entry["type"]):
            found.append(_violation(column, check_type, _described(entry)))
        else:
            unnamed += 1
    return found, unnamed


def _is_missing_column(entry: Mapping[str, Any]) -> bool:
    return entry["type"] == "expect_column_to_exist" and not entry["success"]


def _of_columns(entry: Mapping[str, Any], *, known: set[Any]) -> Iterator[Violation]:
    for column in entry.get("missing_columns") or ():
        if column not in known:
            yield _violation(column, "missing_column_check", f"Column {column} is missing in the current dataset.")
    for column in entry.get("extra_columns") or ():
        yield _violation(column, "extra_column_check", f"Column {column} is in no constraint.")


def _described(entry: Mapping[str, Any]) -> str:
    if entry["unexpected_share"] is None:
        return f"Constraint {entry['label']} is not met."
    wanted = entry["kwargs"].get("mostly", 1)
    return f"Constraint {entry['label']} is not met: expected match: {wanted:.2%}; observed: {1 - entry['unexpected_share']:.2%}."


def _of_findings(unmet: list[Finding]) -> tuple[list[Violation], int]:
    found: list[Violation] = []
    for finding in unmet:
        if finding.key is not None and finding.metric in DISTANCES:
            # The words of the prebuilt container, which alarms take apart.
            text = f"Baseline drift distance: {finding.value} exceeds threshold: {finding.bound}"
            found.append(_violation(finding.key, "baseline_drift_check", text))
        elif finding.key is None:
            operator, name = OPERATORS.get(str(finding.condition)), QUALITY.get(str(finding.metric))
            if operator is not None and name is not None:
                text = f"Metric {name} with {finding.value} was {operator} '{finding.bound}'"
                found.append({"metric_name": name, "constraint_check_type": operator, "description": text})
    return found, len(unmet) - len(found)


def _violation(column: object, check_type: str, description: str) -> Violation:
    return {"feature_name": str(column), "constraint_check_type": check_type, "description": description}
