"""Membership inference: do the model's outputs reveal which rows it was trained on?

ML04:2023 of the OWASP Machine Learning Security Top Ten, AML.T0024.000 of MITRE ATLAS. The true-positive rate is read
at low false-positive rates, as Carlini et al. (2022) require: an average over all rows hides the rows at risk.
"""

from __future__ import annotations

from model_governance.checks.privacy.membership_inference.floors import floors
from model_governance.checks.privacy.membership_inference.measure import measure
from model_governance.checks.privacy.membership_inference.metrics import METRICS
from model_governance.checks.privacy.membership_inference.params import MIN_ROWS, MembershipParams
from model_governance.checks.privacy.membership_inference.preparation import PREPARATION
from model_governance.checks.privacy.membership_inference.schedule import lookback
from model_governance.checks.privacy.membership_inference.self_test import SELF_TEST
from model_governance.checks.privacy.membership_inference.suggest import suggest
from model_governance.contract.check import Advice, Check

__all__ = ["CHECK"]

CHECK = Check(
    kind="membership_inference",
    title="Membership inference",
    question="Do the model's outputs reveal which rows it was trained on?",
    params=MembershipParams,
    metrics=METRICS,
    roles=("train", "reference"),
    optional_roles=("population",),
    tasks=("binary_classification", "multiclass_classification", "regression", "forecasting"),
    floors=floors,
    measure=measure,
    lookback=lookback,
    preparation=PREPARATION,
    self_test=SELF_TEST,
    suggest=suggest,
    min_reference_rows=MIN_ROWS,
    advice=Advice(
        rank=90,
        title="Keep the model's scores internal.",
        text="They reveal who was in the training data. Publish labels only, or retrain with stronger regularisation.",
    ),
    cost="Minutes; trains `reference_models` copies of the model, and grows with `samples`; a budget per attack spreads them over runs.",
    texts="attacks that see labels only leave them as they are; attacks by probability do not depend on the kind of a feature",
    not_calibrated="an attack costs minutes per window, and measures the model's training, not the data of one run",
)
