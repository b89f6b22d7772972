"""Attribute inference: does the model reveal a sensitive attribute to an attacker who knows the other features?

AML.T0024.001 (invert ML model, infer data) of MITRE ATLAS; ML03:2023 of the OWASP Machine Learning Security Top Ten.
An attack that infers the attribute of four rows in five proves nothing: the other features may reveal as much without
a model. Every attack is therefore compared with imputation on the same rows, and members are compared with
non-members (Jayaraman and Evans, 2022).
"""

from __future__ import annotations

from model_governance.attacks.schedule import schedule_lookback
from model_governance.checks.privacy.attribute_inference.measure import measure
from model_governance.checks.privacy.attribute_inference.metrics import METRICS
from model_governance.checks.privacy.attribute_inference.params import MIN_ROWS, AttributeParams, floors
from model_governance.checks.privacy.attribute_inference.self_test import SELF_TEST
from model_governance.checks.privacy.attribute_inference.suggest import suggest
from model_governance.contract.check import Advice, Check

__all__ = ["CHECK"]

CHECK = Check(
    kind="attribute_inference",
    title="Attribute inference",
    question="Does the model reveal a sensitive attribute to someone who knows the other features?",
    params=AttributeParams,
    metrics=METRICS,
    roles=("train", "reference"),
    optional_roles=("population",),
    tasks=("binary_classification", "multiclass_classification", "regression"),
    needs_labels=True,
    lookback=lambda params: schedule_lookback(params.budget),
    floors=floors,
    measure=measure,
    self_test=SELF_TEST,
    suggest=suggest,
    min_reference_rows=2 * MIN_ROWS,
    advice=Advice(
        rank=100,
        title="Round the model's outputs, or retrain it.",
        text="They reveal more about people than their other attributes do. A gap between members and others is memorisation: regularise. A gain without a gap is what the output itself discloses: return fewer decimals, or labels only.",
    ),
    cost="Seconds to minutes; asks for one prediction per sampled row, value of the sensitive column and fill.",
    texts="the attacks that train a classifier do not read them, so they are weaker than they could be",
)
