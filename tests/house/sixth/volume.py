"""Volume: did about as many rows arrive as the reference holds? A whole check, as small as one gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.contract.check import Check, Params, SelfTest, Suggestion
from model_governance.contract.result import CheckResult, MetricSpec
from model_governance.report.figures import CURRENT, REFERENCE, canvas, to_svg

if TYPE_CHECKING:
    import pandas as pd

    from model_governance.contract.subject import Columns, Subject


class VolumeParams(Params):
    """Nothing to choose."""


def measure(subject: Subject, params: VolumeParams, seed: int) -> CheckResult:
    """Rows of the night as a share of the reference's rows."""
    before, now = len(subject.features("reference")), len(subject.features("current"))
    figure, axes = canvas()
    axes[0].barh(["reference", "current"], [before, now], color=[REFERENCE, CURRENT])
    return CheckResult(
        kind="volume",
        seed=seed,
        metrics=(CHECK.metric("volume_ratio", now / before, n=now),),
        artifacts=(to_svg(figure, name="volume.svg", title=f"{now} rows against {before} in the reference"),),
    )


def suggest(reference: pd.DataFrame, columns: Columns) -> Suggestion:
    """Half to double."""
    return Suggestion(
        thresholds=[{"metric": "volume_ratio", "between": [0.5, 2.0]}], comment="Half to double the reference's rows."
    )


CHECK = Check(
    kind="volume",
    title="Volume",
    question="Did about as many rows arrive as the reference holds?",
    params=VolumeParams,
    metrics=(MetricSpec(name="volume_ratio", meaning="rows of the night per row of the reference", better="neither"),),
    roles=("reference", "current"),
    needs_model=False,
    measure=measure,
    suggest=suggest,
    self_test=SelfTest(
        description="nine of ten rows are lost",
        threshold={"metric": "volume_ratio", "between": [0.5, 2.0]},
        apply=lambda subject: subject.with_frame("current", subject.frame("current").iloc[::10]),
    ),
)
