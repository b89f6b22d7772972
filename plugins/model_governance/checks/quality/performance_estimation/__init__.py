"""Performance estimation: how good is the model before any label arrives?

Classifiers: scores are calibrated on the labelled reference, and the expected confusion matrix of current follows
from the calibrated probabilities (confidence-based performance estimation, `cbpe`). Regression: a second model learns
the size of errors (direct loss estimation, `dle`). Both account for covariate shift, neither for concept drift.
"""

from __future__ import annotations

from model_governance.checks.quality.performance_estimation.measure import measure
from model_governance.checks.quality.performance_estimation.metrics import METRICS
from model_governance.checks.quality.performance_estimation.params import EstimationParams, floors
from model_governance.checks.quality.performance_estimation.self_test import SELF_TEST
from model_governance.checks.quality.performance_estimation.suggest import suggest
from model_governance.contract.check import Advice, Check

CHECK = Check(
    kind="performance_estimation",
    title="Performance estimation",
    question="How good is the model now, before labels arrive?",
    params=EstimationParams,
    metrics=METRICS,
    roles=("reference", "current"),
    needs_labels=True,
    tasks=("binary_classification", "multiclass_classification", "regression"),
    floors=floors,
    measure=measure,
    self_test=SELF_TEST,
    suggest=suggest,
    advice=Advice(
        rank=50,
        title="Do not wait for the labels.",
        text="The model probably does worse on the current rows than on the reference. Find the columns that changed, and hold back decisions that cannot be undone. Where labels have arrived and the estimate is wrong, the relation between features and label has changed.",
    ),
    cost="Seconds; grows with `resamples` times the rows of reference and current.",
    texts="their values are not compared with those of the reference (outside_reference_share); the model of the error of a regression does not read them",
)
