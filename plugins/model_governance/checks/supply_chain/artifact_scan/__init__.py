"""Artifact scan: what does the model file hold, read before anything loads it?

ML06:2023 (AI supply chain attacks) and ML10:2023 (model poisoning) of the OWASP Machine Learning Security Top Ten,
AML.T0010 (AI supply chain compromise), AML.T0018 (manipulate AI model) and AML.T0011.000 (unsafe AI artifacts) of MITRE
ATLAS. Bytes are read and never deserialised. A finding is a reason to refuse; no finding is no proof of innocence, which is
why loading has its own guard.
"""

from __future__ import annotations

from model_governance.checks.supply_chain.artifact_scan.measure import measure
from model_governance.checks.supply_chain.artifact_scan.metrics import METRICS
from model_governance.checks.supply_chain.artifact_scan.params import ScanParams
from model_governance.checks.supply_chain.artifact_scan.self_test import SELF_TEST
from model_governance.checks.supply_chain.artifact_scan.suggest import suggest
from model_governance.contract.check import Advice, Check

__all__ = ["CHECK", "ScanParams"]

CHECK = Check(
    kind="artifact_scan",
    title="Artifact scan",
    question="Does the model file hold anything that a model does not need?",
    params=ScanParams,
    metrics=METRICS,
    roles=(),
    needs_model=False,
    reads_model_file=True,
    measure=measure,
    self_test=SELF_TEST,
    suggest=suggest,
    advice=Advice(rank=20, title="Do not load this model anywhere.", text="The file is not what was approved, or asks for more than a model needs. Find out where it came from."),
    cost="Seconds; grows with the unpacked size of the model file.",
)  # fmt: skip
