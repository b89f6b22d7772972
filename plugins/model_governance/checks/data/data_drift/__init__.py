"""Data drift: do the current rows and predictions look like the reference?

Exact distances over all rows, each with an interval and a p-value: population stability index (Yurdakul, 2018),
Jensen-Shannon, total variation, Kolmogorov-Smirnov (Smirnov, 1939) and Wasserstein (Vallender, 1974). A column drifted
when its distance reaches a limit and the evidence survives Benjamini and Hochberg (1995) over the columns.
"""

from __future__ import annotations

from model_governance.checks.data.data_drift.measure import measure
from model_governance.checks.data.data_drift.metrics import METRICS
from model_governance.checks.data.data_drift.params import DriftParams, floors, lookback
from model_governance.checks.data.data_drift.self_test import SELF_TEST
from model_governance.checks.data.data_drift.suggest import suggest
from model_governance.contract.check import Advice, Check

CHECK = Check(
    kind="data_drift",
    title="Data drift",
    question="Do the current rows and predictions look like the reference?",
    params=DriftParams,
    metrics=METRICS,
    roles=("reference", "current"),
    stand_ins={"reference": "profile"},
    file_params=("profile",),
    lookback=lookback,
    needs_model=True,
    floors=floors,
    measure=measure,
    suggest=suggest,
    self_test=SELF_TEST,
    advice=Advice(
        rank=30,
        title="Find out what changed.",
        text="Start with the column named first. If its source changed, repair the source; if the population changed, retrain.",
    ),
    cost="Seconds for a million rows and some twenty columns; grows with rows times columns, and needs no more memory for more rows.",
)
