"""Poisoning screen: does a new training window carry traces that the last accepted one did not?

ML02:2023 (data poisoning) and ML10:2023 (model poisoning) of the OWASP Machine Learning Security Top Ten, AML.T0020 (poison
training data) and AML.T0018.000 (poison AI model) of MITRE ATLAS. Every number is a change between two windows and is judged by
an exact two-sample test: while both come from one source, the chance of evidence at a level is at most that level.
"""

from __future__ import annotations

from model_governance.checks.supply_chain.poisoning_screen.measure import measure
from model_governance.checks.supply_chain.poisoning_screen.metrics import METRICS
from model_governance.checks.supply_chain.poisoning_screen.params import ScreenParams, floors
from model_governance.checks.supply_chain.poisoning_screen.self_test import SELF_TEST
from model_governance.checks.supply_chain.poisoning_screen.suggest import suggest
from model_governance.contract.check import Advice, Check

__all__ = ["CHECK", "ScreenParams"]

CHECK = Check(
    kind="poisoning_screen",
    title="Poisoning screen",
    question="Does the new training window carry traces of poisoning that the accepted one does not?",
    params=ScreenParams,
    metrics=METRICS,
    roles=("previous_train", "train"),
    optional_roles=("reference",),
    needs_labels=True,
    tasks=("binary_classification", "multiclass_classification"),
    floors=floors,
    measure=measure,
    self_test=SELF_TEST,
    suggest=suggest,
    advice=Advice(rank=130, title="Hold the new model back and read the rows.", text="The training window differs from the previous one beyond chance: look at the listed row numbers and their source."),
    cost="Seconds to minutes; trains a forest of `trees` and compares values, with `pairs` also pairs of columns.",
    texts="a whole text is one value, so a trigger word inside texts is not found",
)  # fmt: skip
