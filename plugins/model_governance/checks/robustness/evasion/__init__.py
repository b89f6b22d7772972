"""Evasion: can small, possible changes of a row flip the model's answer?

A test-time attack in the sense of Biggio et al. (2013); ML01:2023 (Input Manipulation Attack) of the
OWASP Machine Learning Security Top Ten and AML.T0015 of MITRE ATLAS.
"""

from __future__ import annotations

from model_governance.attacks.schedule import schedule_lookback
from model_governance.checks.robustness.evasion.measure import measure
from model_governance.checks.robustness.evasion.metrics import METRICS
from model_governance.checks.robustness.evasion.params import EvasionParams, floors
from model_governance.checks.robustness.evasion.self_test import SELF_TEST
from model_governance.checks.robustness.evasion.suggest import suggest
from model_governance.contract.check import Advice, Check

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
    floors=floors,
    measure=measure,
    self_test=SELF_TEST,
    suggest=suggest,
    advice=Advice(
        rank=80,
        title="Read what the attack found.",
        text="Where predictions flip within the budget, the report shows which columns cause it: bound them, or harden the model. Rows without a flip prove nothing by themselves: see whether the exact search covers them, or let more features change.",
    ),
    cost="Minutes; grows with `samples` times the queries of each attack (`max_iterations`, `max_evaluations`); a budget per attack spreads them over runs.",
    not_calibrated="an attack costs minutes per window, and its noise is that of the attack, not of the data",
)
