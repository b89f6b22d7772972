"""Structural disclosure: do the model's structure and answers alone disclose training rows, before anybody attacks it?

The checks of SACRO-ML's structural attack (AI-SDC/SACRO-ML, sacroml/attacks/structural_attack.py), which brings the output
checks of trusted research environments (Ritchie, 2019; ACRO) to trained models: residual degrees of freedom, k-anonymity of
the answers, class disclosure, small groups, and hyper-parameters that are known to make membership inference work
(arXiv:2502.09396). AML.T0024 (exfiltration via inference API) of MITRE ATLAS, ML04:2023 of the OWASP Machine Learning
Security Top Ten.
"""

from __future__ import annotations

from model_governance.checks.privacy.structural_disclosure.measure import measure
from model_governance.checks.privacy.structural_disclosure.metrics import METRICS
from model_governance.checks.privacy.structural_disclosure.params import StructureParams
from model_governance.checks.privacy.structural_disclosure.self_test import SELF_TEST
from model_governance.checks.privacy.structural_disclosure.suggest import suggest
from model_governance.contract.check import Advice, Check

__all__ = ["CHECK"]

CHECK = Check(
    kind="structural_disclosure",
    title="Structural disclosure",
    question="Do the model's structure and answers alone disclose training rows?",
    params=StructureParams,
    metrics=METRICS,
    roles=("train",),
    tasks=("binary_classification", "multiclass_classification"),
    measure=measure,
    self_test=SELF_TEST,
    suggest=suggest,
    not_calibrated="it states facts about the model and its training rows, which no new rows change",
    advice=Advice(
        rank=105,
        title="Train a simpler model before it leaves the house.",
        text="Raise the smallest leaf, lower depth and number of trees, and round or coarsen the probabilities, until groups of training rows share an answer; nearest neighbours and support vectors hold training rows themselves.",
    ),
    cost="Seconds; the model answers every training row once.",
)
