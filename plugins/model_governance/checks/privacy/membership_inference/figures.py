"""The figures of a membership inference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.privacy.membership_inference.rates import roc
from model_governance.report.figures import CURRENT, LIMIT, MUTED, REFERENCE, SERIES, canvas, to_svg

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes

    from model_governance.checks.privacy.membership_inference.attacks import Scores
    from model_governance.checks.privacy.membership_inference.audit import Audit
    from model_governance.checks.privacy.membership_inference.params import MembershipParams
    from model_governance.contract.result import Artifact

BINS = 40
POINTS = 400
LINE_STYLES = ("-", "--", "-.")  # of attacks that share a colour


def roc_figure(scores: list[Scores], params: MembershipParams) -> Artifact:
    """ROC curves on logarithmic axes, which show low false-positive rates."""
    import numpy as np

    figure, (axes,) = canvas(height=4.2)
    least = 1 / max(len(score.non_members) for score in scores)
    for number, score in enumerate(scores):
        colour = SERIES[number % len(SERIES)]
        false, true = (np.maximum(rate, least / 2) for rate in roc(score.members, score.non_members))
        if score.continuous:
            false, true = _thinned(false, true)
            style = LINE_STYLES[number // len(SERIES)]
            axes.step(false, true, where="post", color=colour, linestyle=style, label=score.attack)
        else:
            # A binary score has one operating point.
            axes.plot(false[1], true[1], "o", color=colour, label=score.attack)
    axes.plot([least / 2, 1], [least / 2, 1], color=MUTED, linestyle=":", label="guessing")
    for fpr in params.fpr:
        axes.axvline(fpr, color=LIMIT, linestyle="--", linewidth=0.8)
    axes.set(xscale="log", yscale="log", xlim=(least / 2, 1), ylim=(least / 2, 1.05))
    _label(axes, "false-positive rate (non-members)", "true-positive rate (members)")
    return to_svg(figure, name="roc.svg", title="ROC curves of the attacks, on logarithmic axes")


def confidence_figure(audit: Audit) -> Artifact:
    """Histograms of the model's confidence in the true label, for members and non-members."""
    import numpy as np

    figure, (axes,) = canvas()
    confidence, count = audit.signals.confidence, len(audit.members)
    for name, own, colour in (
        ("members", confidence[:count], CURRENT),
        ("non-members", confidence[count:], REFERENCE),
    ):
        weights = np.full(len(own), 1 / len(own))
        axes.hist(own, bins=BINS, range=(0, 1), weights=weights, histtype="step", color=colour, label=name)
    quantity = "probability of the true class" if audit.members.classes else "closeness to the true value"
    _label(axes, quantity, "share of rows")
    return to_svg(figure, name="confidence.svg", title="Confidence of the model for members and non-members")


def _thinned(false: np.ndarray, true: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The highest point of each false-positive rate, as many as can be distinguished on a logarithmic axis."""
    import numpy as np

    highest = np.flatnonzero(np.diff(false, append=np.inf))
    shown = np.unique(np.geomspace(1, len(highest), POINTS).astype(int)) - 1
    return false[highest[shown]], true[highest[shown]]


def _label(axes: Axes, x: str, y: str) -> None:
    axes.set_xlabel(x, fontsize=9)
    axes.set_ylabel(y, fontsize=9)
    axes.legend(fontsize=8, frameon=False)
