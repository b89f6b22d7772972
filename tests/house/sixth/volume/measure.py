"""Counts rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.data.volume.metrics import METRICS
from model_governance.checks.data.volume.report import draw

from model_governance.contract.result import CheckResult, make_metric

if TYPE_CHECKING:
    from model_governance.checks.data.volume.params import VolumeParams

    from model_governance.contract.subject import Subject


def measure(subject: Subject, params: VolumeParams, seed: int) -> CheckResult:
    """Rows of current as a share of the reference's rows."""
    reference, current = len(subject.features("reference")), len(subject.features("current"))
    ratio = current / params.batches / reference
    return CheckResult(
        kind="volume",
        seed=seed,
        metrics=(make_metric(METRICS, "volume_ratio", ratio, n=current),),
        artifacts=(draw(reference, current),),
    )
