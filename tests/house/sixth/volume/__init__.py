"""Volume: did about as many rows arrive as the reference holds? A whole check, as small as one gets."""

from __future__ import annotations

from model_governance.checks.data.volume.measure import measure
from model_governance.checks.data.volume.metrics import METRICS
from model_governance.checks.data.volume.params import VolumeParams
from model_governance.checks.data.volume.self_test import SELF_TEST
from model_governance.checks.data.volume.suggest import suggest

from model_governance.contract.check import Advice, Check

CHECK = Check(
    kind="volume",
    title="Volume",
    question="Did about as many rows arrive as the reference holds?",
    params=VolumeParams,
    metrics=METRICS,
    roles=("reference", "current"),
    needs_model=False,
    measure=measure,
    suggest=suggest,
    self_test=SELF_TEST,
    advice=Advice(rank=15, title="Count the deliveries.", text="Rows are missing or doubled: ask who sends them."),
    cost="Milliseconds; counts rows.",
)
