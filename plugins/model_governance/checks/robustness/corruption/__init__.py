"""Corruption: does the model withstand ordinary corruption of its input?

No attacker is needed: a feed that sends months for years, a missing value, a stale value. Graded severities and the
mean over corruptions follow Hendrycks and Dietterich (2019), "Benchmarking neural network robustness to common
corruptions". ML01:2023 of the OWASP Machine Learning Security Top Ten in its unintended form.
"""

from __future__ import annotations

from model_governance.checks.robustness.corruption.measure import measure
from model_governance.checks.robustness.corruption.metrics import METRICS
from model_governance.checks.robustness.corruption.params import CorruptionParams, floors
from model_governance.checks.robustness.corruption.self_test import SELF_TEST
from model_governance.checks.robustness.corruption.suggest import suggest
from model_governance.contract.check import Advice, Check

__all__ = ["CHECK"]

CHECK = Check(
    kind="corruption",
    title="Corruption robustness",
    question="Does the model withstand ordinary corruption of its input?",
    params=CorruptionParams,
    metrics=METRICS,
    roles=("current",),
    tasks=("binary_classification", "multiclass_classification", "regression"),
    floors=floors,
    measure=measure,
    self_test=SELF_TEST,
    suggest=suggest,
    advice=Advice(rank=140, title="Clean the feed, then harden the model.", text="The table names the columns that one wrong unit or gap ruins: validate them first, or train with missing values and noise."),
    cost="Seconds; asks for one prediction per sampled row, kind of corruption, severity and column.",
)  # fmt: skip
