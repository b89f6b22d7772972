"""How `fairness` measures: predictions and labels of current, metrics of every group, differences between groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.quality.fairness import report
from model_governance.checks.quality.fairness.classification import classification_metrics, classify
from model_governance.checks.quality.fairness.dependence import widened
from model_governance.checks.quality.fairness.groups import groupings
from model_governance.checks.quality.fairness.metrics import METRICS
from model_governance.checks.quality.fairness.regression import predict_errors, regression_metrics
from model_governance.contract.dependence import clusters_of
from model_governance.contract.result import CheckResult, declared, versions_of

if TYPE_CHECKING:
    from model_governance.checks.quality.fairness.group_metrics import GroupMetrics
    from model_governance.checks.quality.fairness.params import FairnessParams
    from model_governance.contract.dependence import Clusters
    from model_governance.contract.subject import Subject


def measure(subject: Subject, params: FairnessParams, seed: int) -> CheckResult:
    """Measure rates or means of every group of current and the differences between the groups.

    Args:
        subject: Model and dataset `current`; metrics that need labels are absent where it has none.
        params: The columns that make groups and how they are compared.
        seed: Seed of the simulated intervals and permutation tests.

    Returns:
        For each grouping the metrics of every group and their differences, a table and a figure.

    Raises:
        CheckError: A column makes too many groups, or labels and model do not fit.
        SubjectError: As `feature_rows`, or current lacks the column of entities or batches.
        ModelMisbehaved: As `Model`.
    """
    clusters = clusters_of(subject.columns, lambda name: subject.frame("current", columns=[name])[name])
    parts, reason = _group_metrics(subject, params, seed, clusters=clusters)
    estimates, clustered = widened(parts, clusters)
    metrics = tuple(declared(METRICS, estimate) for estimate in estimates)
    return CheckResult(
        kind="fairness",
        seed=seed,
        metrics=metrics,
        tables=tuple(part.table for part in parts),
        artifacts=tuple(part.figure for part in parts),
        highlights=report.highlights(metrics),
        notes=report.notes(params, reason) + clustered,
        tools=versions_of("matplotlib", "numpy", "pandas", "scipy"),
    )


def _group_metrics(
    subject: Subject, params: FairnessParams, seed: int, *, clusters: Clusters
) -> tuple[list[GroupMetrics], str]:
    """Metrics of every grouping, and the reason why labels are missing (empty where there are some)."""
    if subject.task == "regression":
        values, reason = predict_errors(subject)
        return [
            regression_metrics(
                values, grouping, clusters=clusters, reason=reason, params=params, seed=seed, named=subject.keys_named
            )
            for grouping in groupings(subject, params)
        ], reason
    outcomes = classify(subject)
    return [
        classification_metrics(
            outcomes, grouping, clusters=clusters, params=params, seed=seed, named=subject.keys_named
        )
        for grouping in groupings(subject, params)
    ], outcomes.reason
