"""Performance estimation: how good is the model before any label arrives?

Classifiers: scores are calibrated on the labelled reference, and the expected confusion matrix of current follows
from the calibrated probabilities (confidence-based performance estimation, `cbpe`). Regression: a second model learns
the size of errors (direct loss estimation, `dle`). Both account for covariate shift, neither for concept drift.
"""

from __future__ import annotations

from model_governance.checks.quality.performance_estimation.measure import measure
from model_governance.checks.quality.performance_estimation.metrics import METRICS
from model_governance.checks.quality.performance_estimation.params import EstimationParams
from model_governance.checks.quality.performance_estimation.self_test import SELF_TEST
from model_governance.checks.quality.performance_estimation.suggest import suggest
from model_governance.contract.check import Check

CHECK = Check(
    kind="performance_estimation",
    title="Performance estimation",
    question="How good is the model now, before labels arrive?",
    params=EstimationParams,
    metrics=METRICS,
    roles=("reference", "current"),
    needs_labels=True,
    tasks=("binary_classification", "multiclass_classification", "regression"),
    measure=measure,
    self_test=SELF_TEST,
    suggest=suggest,
)
