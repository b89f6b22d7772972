"""The fault that the check must find."""

from __future__ import annotations

from model_governance.contract.check import SelfTest

SELF_TEST = SelfTest(
    description="nine of ten rows are lost",
    threshold={"metric": "volume_ratio", "between": [0.5, 2.0]},
    apply=lambda subject: subject.with_frame("current", subject.frame("current").iloc[::10]),
)
