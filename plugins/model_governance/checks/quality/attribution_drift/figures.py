"""Figure of `attribution_drift`: the attributions of reference and current."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.report.figures import CURRENT, REFERENCE, canvas, to_svg

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from model_governance.contract.result import Artifact

MAX_FEATURES = 25


def attributions(names: Sequence[str], reference: np.ndarray, current: np.ndarray) -> Artifact:
    """Draw bars by feature from mean attributions (d,), in the order of the larger of the two."""
    import numpy as np

    order = np.argsort(-np.maximum(reference, current), kind="stable")[:MAX_FEATURES]
    places = np.arange(len(order))
    figure, (axes,) = canvas(height=1.2 + 0.3 * len(order))
    axes.barh(places - 0.2, reference[order], height=0.38, color=REFERENCE, label="reference")
    axes.barh(places + 0.2, current[order], height=0.38, color=CURRENT, label="current")
    axes.set_yticks(places, [names[feature] for feature in order])
    axes.invert_yaxis()
    axes.set_xlabel("mean change of the answer when the value is replaced")
    axes.legend()
    return to_svg(figure, name="attributions.svg", title="Attribution by feature, reference and current")
