"""Evasion: can small, possible changes of a row flip the model's answer?

A test-time attack in the sense of Biggio et al. (2013); ML01:2023 (Input Manipulation Attack) of the
OWASP Machine Learning Security Top Ten and AML.T0015 of MITRE ATLAS.
"""

from __future__ import annotations

from model_governance.attacks.schedule import schedule_lookback
from model_governance.checks.robustness.evasion.measure import measure
from model_governance.checks.robustness.evasion.metrics import METRICS
from model_governance.checks.robustness.evasion.params import EvasionParams
from model_governance.checks.robustness.evasion.self_test import SELF_TEST
from model_governance.checks.robustness.evasion.suggest import suggest
from model_governance.contract.check import Check

__all__ = ["CHECK"]

CHECK = Check(
    kind="evasion",
    title="Evasion",
    question="Can small, possible changes of a row flip the model's answer?",
    params=EvasionParams,
    metrics=METRICS,
    roles=("current",),
    optional_roles=("reference",),
    tasks=("binary_classification", "multiclass_classification", "regression"),
    lookback=lambda params: schedule_lookback(params.budget),
    measure=measure,
    self_test=SELF_TEST,
    suggest=suggest,
)
