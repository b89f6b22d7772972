"""What the check may return."""

from __future__ import annotations

from model_governance.contract.result import MetricSpec

METRICS = (
    MetricSpec(name="volume_ratio", meaning="current rows of one delivery per row of the reference", better="neither"),
)
