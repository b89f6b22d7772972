"""Model extraction: how closely can the model be copied from its outputs, and with how many queries?

ML05:2023 of the OWASP Machine Learning Security Top Ten (model theft), AML.T0024.002 of MITRE ATLAS. A simple model
can always be copied, and an attacker with labelled rows needs no model to learn the same relation. Each surrogate is
therefore compared with a baseline that was trained on the true labels of as many rows.
"""

from __future__ import annotations

from model_governance.attacks.schedule import schedule_lookback
from model_governance.checks.privacy.model_extraction.measure import measure
from model_governance.checks.privacy.model_extraction.metrics import METRICS
from model_governance.checks.privacy.model_extraction.params import MIN_HELD_OUT, ExtractionParams, floors
from model_governance.checks.privacy.model_extraction.self_test import SELF_TEST
from model_governance.checks.privacy.model_extraction.suggest import suggest
from model_governance.contract.check import Advice, Check

__all__ = ["CHECK"]

CHECK = Check(
    kind="model_extraction",
    title="Model extraction",
    question="How closely can the model be copied from its outputs?",
    params=ExtractionParams,
    metrics=METRICS,
    roles=("reference",),
    optional_roles=("population",),
    tasks=("binary_classification", "multiclass_classification", "regression"),
    needs_labels=True,
    lookback=lambda params: schedule_lookback(params.budget),
    floors=floors,
    measure=measure,
    self_test=SELF_TEST,
    suggest=suggest,
    min_reference_rows=2 * MIN_HELD_OUT,
    advice=Advice(
        rank=120,
        title="Limit the queries of one caller.",
        text="A copy can be made from few answers. Limit queries per caller, return labels only, and watch for systematic sweeps of the inputs.",
    ),
    cost="Seconds to minutes; trains copies of the model for each of the `query_budgets`.",
    texts="surrogates do not read them, so an attacker who trains on texts copies more of the model",
)
