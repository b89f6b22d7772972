"""What the report shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.report.figures import CURRENT, REFERENCE, canvas, to_svg

if TYPE_CHECKING:
    from model_governance.contract.result import Artifact


def draw(reference: int, current: int) -> Artifact:
    """Both numbers of rows as bars."""
    figure, axes = canvas()
    axes[0].barh(["reference", "current"], [reference, current], color=[REFERENCE, CURRENT])
    return to_svg(figure, name="volume.svg", title=f"{current} rows against {reference} in the reference")
