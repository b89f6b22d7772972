"""Fairness: does the model treat groups of people alike?

Definitions are Fairlearn's (Weerts et al., 2023): demographic parity, equal opportunity and equalized odds (Hardt,
Price and Srebro, 2016), accuracy by group. The values equal Fairlearn's (tested against it); each has limits
at any level, and a p-value of the hypothesis that the groups do not differ.
"""

from __future__ import annotations

from model_governance.checks.quality.fairness.measure import measure
from model_governance.checks.quality.fairness.metrics import METRICS
from model_governance.checks.quality.fairness.params import FairnessParams
from model_governance.checks.quality.fairness.self_test import SELF_TEST
from model_governance.checks.quality.fairness.suggest import suggest
from model_governance.contract.check import Advice, Check

CHECK = Check(
    kind="fairness",
    title="Fairness",
    question="Does the model treat groups alike?",
    params=FairnessParams,
    metrics=METRICS,
    roles=("current",),
    tasks=("binary_classification", "multiclass_classification", "regression"),
    measure=measure,
    self_test=SELF_TEST,
    suggest=suggest,
    advice=Advice(
        rank=60,
        title="Find out which groups bear the errors.",
        text="The groups named first lie furthest apart. Look at their rows and labels before a decision about them is made.",
    ),
    cost="Seconds; grows with the current rows, the number of groups and `resamples`.",
)
