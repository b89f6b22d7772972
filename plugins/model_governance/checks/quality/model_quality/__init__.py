"""Model quality: does the model still predict the labels that have arrived?

One module per task (`binary`, `multiclass`, `regression`, `ranking`, `forecasting`); `labels` finds the labelled rows,
`paired` compares with the champion, `slices` and `weak_slices` evaluate parts of the rows, `uncertainty`,
`discrimination` and `calibration` hold the statistics. Values are those of scikit-learn wherever it has the metric
(tested against it); counts and means are taken here because their intervals need them anyway.
"""

from __future__ import annotations

from model_governance.checks.quality.model_quality.measure import measure
from model_governance.checks.quality.model_quality.metrics import METRICS
from model_governance.checks.quality.model_quality.params import QualityParams
from model_governance.checks.quality.model_quality.self_test import SELF_TEST
from model_governance.checks.quality.model_quality.suggest import suggest
from model_governance.contract.check import Advice, Check

CHECK = Check(
    kind="model_quality",
    title="Model quality",
    question="Does the model still predict what came true?",
    params=QualityParams,
    metrics=METRICS,
    roles=("current",),
    optional_roles=("labels", "labelled_current", "history"),
    needs_model=True,
    needs_labels=True,
    compares_champion=True,
    measure=measure,
    self_test=SELF_TEST,
    suggest=suggest,
    advice=Advice(
        rank=40,
        title="Decide whether the model may stay in use.",
        text="It no longer performs as required on recent labels. Compare it with the champion, and return to the champion or retrain.",
    ),
    cost="Seconds; grows with the predictions of the current rows, and with `resamples` where an interval has no formula.",
)
