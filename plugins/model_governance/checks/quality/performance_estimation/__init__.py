"""performance_estimation: how good is the model tonight, before any label arrives?

Classifiers: `calibration` turns scores into chances on the labelled reference, `confidence` counts the chances of
tonight's rows up to a confusion matrix (confidence-based performance estimation). Regression: `loss` learns the
size of errors (direct loss estimation). Both answer for covariate shift, neither for concept drift.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.quality.performance_estimation.classification import measure_classifier
from model_governance.checks.quality.performance_estimation.params import EstimationParams
from model_governance.checks.quality.performance_estimation.regression import measure_regression
from model_governance.checks.quality.performance_estimation.suggestion import suggest
from model_governance.checks.quality.performance_estimation.vocabulary import METRICS
from model_governance.contract.check import Advice, Check, SelfTest
from model_governance.contract.result import CheckResult, versions_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model_governance.contract.result import Metric
    from model_governance.contract.subject import Subject


def measure(subject: Subject, params: EstimationParams, seed: int) -> CheckResult:
    """Estimated performance on current, and the realised one on the rows whose label is already in.

    Raises:
        CheckError: too few labelled reference rows, no probabilities, or labels that do not fit the model.
        SubjectError, ModelMisbehaved: as `Subject.features`, `Subject.target` and `Model`.
    """
    measure_family = measure_regression if subject.task == "regression" else measure_classifier
    found = measure_family(subject, params, seed)
    metrics = tuple(CHECK.declared(one) for one in found.numbers)
    return CheckResult(
        kind=CHECK.kind,
        seed=seed,
        metrics=metrics,
        tables=found.tables,
        artifacts=found.artifacts,
        highlights=_highlights({one.name: one for one in metrics}),
        notes=found.notes,
        tools=versions_of("matplotlib", "numpy", "pandas", "scikit-learn", "scipy"),
    )


def _highlights(metrics: Mapping[str, Metric]) -> tuple[str, ...]:
    """What is expected, how much worse that is than on the reference, and what came true where labels are in."""
    what = "mean absolute error" if "estimated_mae" in metrics else "accuracy"
    short = "mae" if "estimated_mae" in metrics else "accuracy"
    estimate, loss = metrics[f"estimated_{short}"], metrics["estimated_loss_increase"]
    found = [f"Without labels, {what} is estimated at {estimate.told}."] if estimate.told else []
    if loss.told:
        found.append(f"Estimated increase of the loss over the reference: {loss.told}.")
    realised, error = metrics.get(f"realised_{short}"), metrics.get("estimation_error")
    if realised and error and realised.told:
        found.append(
            f"On {realised.n:,} rows with a label it is {realised.told}: the estimate was off by {error.told}."
        )
    return tuple(found)


def _only_doubtful_rows(subject: Subject) -> Subject:
    """The quarter of current's rows on which the model is least sure, each four times: as many, and harder."""
    import numpy as np

    model = subject.require_model()
    surest = model.predict_proba(subject.features("current")).max(axis=1)
    doubtful = np.argsort(surest, kind="stable")[: max(1, len(surest) // 4)]
    frame = subject.frame("current").iloc[np.tile(doubtful, 4)].reset_index(drop=True)
    return subject.with_frame("current", frame)


CHECK = Check(
    kind="performance_estimation",
    title="Performance estimation",
    question="How good is the model tonight, before labels arrive?",
    params=EstimationParams,
    metrics=METRICS,
    roles=("reference", "current"),
    needs_labels=True,
    tasks=("binary_classification", "multiclass_classification", "regression"),
    measure=measure,
    self_test=SelfTest(
        description="only the rows on which the model is least sure arrive",
        threshold={"metric": "estimated_loss_increase", "less_than": 0.08},
        apply=_only_doubtful_rows,
    ),
    suggest=suggest,
    advice=Advice(
        rank=50,
        title="Do not wait for the labels.",
        text="The model probably does worse on the current rows than on the reference. Find the columns that changed, and hold back decisions that cannot be undone. Where labels have arrived and the estimate is wrong, the relation between features and label has changed.",
    ),
    cost="Seconds; grows with `resamples` times the rows of reference and current.",
)
