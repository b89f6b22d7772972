"""Model inversion: can training rows be reconstructed from the model's outputs?

AML.T0024.001 of MITRE ATLAS, ML03:2023 of the OWASP Machine Learning Security Top Ten. A model of broad classes
reveals an average, which anybody can compute from public rows. A model that memorises reveals single training rows.
A model with a class of one person reveals that person, although it memorises no row. The metrics tell these apart.
"""

from __future__ import annotations

from model_governance.attacks.schedule import schedule_lookback
from model_governance.checks.privacy.model_inversion.measure import measure
from model_governance.checks.privacy.model_inversion.metrics import METRICS
from model_governance.checks.privacy.model_inversion.params import MIN_PUBLIC_ROWS, InversionParams, floors
from model_governance.checks.privacy.model_inversion.self_test import SELF_TEST
from model_governance.checks.privacy.model_inversion.suggest import suggest
from model_governance.contract.check import Advice, Check

__all__ = ["CHECK"]

CHECK = Check(
    kind="model_inversion",
    title="Model inversion",
    question="Can training rows be reconstructed from the model's outputs?",
    params=InversionParams,
    metrics=METRICS,
    roles=("train", "reference"),
    optional_roles=("population",),
    tasks=("binary_classification", "multiclass_classification"),
    needs_labels=True,
    lookback=lambda params: schedule_lookback(params.budget),
    floors=floors,
    measure=measure,
    self_test=SELF_TEST,
    suggest=suggest,
    min_reference_rows=2 * MIN_PUBLIC_ROWS,
    advice=Advice(
        rank=110,
        title="Do not answer unknown callers.",
        text="Training rows can be reconstructed from its outputs: merge small classes, regularise, and limit who may query the model and how often.",
    ),
    cost="Minutes; grows with the attacked classes times `restarts` times the steps of one search.",
    texts="a reconstruction takes whole texts of public rows, and two texts are as far apart as two categories: equal or not",
)
