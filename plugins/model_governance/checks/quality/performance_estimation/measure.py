"""How `performance_estimation` measures: estimated performance of current, checked against labels that are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.quality.performance_estimation import report
from model_governance.checks.quality.performance_estimation.classification import estimate_classification
from model_governance.checks.quality.performance_estimation.metrics import METRICS
from model_governance.checks.quality.performance_estimation.regression import estimate_regression
from model_governance.contract.result import CheckResult, declared, versions_of

if TYPE_CHECKING:
    from model_governance.checks.quality.performance_estimation.params import EstimationParams
    from model_governance.contract.subject import Subject


def measure(subject: Subject, params: EstimationParams, seed: int) -> CheckResult:
    """Estimate performance on current, and measure it on the rows of current whose label is known.

    Args:
        subject: Model, labelled dataset `reference` and dataset `current`.
        params: How scores are calibrated and how many reference rows are used.
        seed: Seed of sampling, folds and bootstrap.

    Returns:
        Estimated metrics with intervals, the estimated increase of the loss, and the realised metrics.

    Raises:
        CheckError: Too few labelled reference rows, no probabilities, or labels that do not fit the model.
        SubjectError: As `Subject.features` and `Subject.target`.
        ModelMisbehaved: As `Model`.
    """
    estimate = estimate_regression if subject.task == "regression" else estimate_classification
    performance = estimate(subject, params, seed)
    metrics = tuple(declared(METRICS, number) for number in performance.estimates)
    return CheckResult(
        kind="performance_estimation",
        seed=seed,
        metrics=metrics,
        tables=performance.tables,
        artifacts=performance.figures,
        highlights=report.highlights({metric.name: metric for metric in metrics}),
        notes=performance.notes,
        tools=versions_of("matplotlib", "numpy", "pandas", "scikit-learn", "scipy"),
    )
