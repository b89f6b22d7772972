"""Attribution drift: do the model's answers still depend on the same features?

Global attributions on the reference and on current are compared by their order, as Amazon SageMaker Clarify does:
normalised discounted cumulative gain, with an alarm below 0.9.
"""

from __future__ import annotations

from model_governance.checks.quality.attribution_drift.attributions import MINIMUM_ROWS
from model_governance.checks.quality.attribution_drift.measure import measure
from model_governance.checks.quality.attribution_drift.metrics import METRICS
from model_governance.checks.quality.attribution_drift.params import AttributionParams, floors
from model_governance.checks.quality.attribution_drift.self_test import SELF_TEST
from model_governance.checks.quality.attribution_drift.suggest import suggest
from model_governance.contract.check import Advice, Check

CHECK = Check(
    kind="attribution_drift",
    title="Attribution drift",
    question="Do the model's answers still depend on the same features?",
    params=AttributionParams,
    metrics=METRICS,
    roles=("reference", "current"),
    tasks=("binary_classification", "multiclass_classification", "regression", "ranking"),
    floors=floors,
    measure=measure,
    self_test=SELF_TEST,
    suggest=suggest,
    min_reference_rows=MINIMUM_ROWS,
    advice=Advice(rank=70, title="Find out why the model relies on other features.", text="Its predictions depend on other features than on the reference: a column may have lost its meaning, or gained one."),
    cost="Seconds; asks the model for about 2 x `samples` x `draws` predictions per feature.",
)  # fmt: skip
