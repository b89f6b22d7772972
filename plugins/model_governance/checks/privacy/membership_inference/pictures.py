"""The pictures of a membership inference run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.privacy.membership_inference.rates import roc
from model_governance.report import figures

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes

    from model_governance.checks.privacy.membership_inference.attacks import Scores
    from model_governance.checks.privacy.membership_inference.audit import Audit
    from model_governance.checks.privacy.membership_inference.params import MembershipParams
    from model_governance.contract.result import Artifact

BINS = 40
POINTS = 400
SAME_COLOUR = ("-", "--", "-.")


def roc_picture(scores: list[Scores], params: MembershipParams) -> Artifact:
    """ROC curves on logarithmic axes, where leakage shows."""
    import numpy as np

    figure, (axes,) = figures.canvas(height=4.2)
    least = 1 / max(len(one.others) for one in scores)
    for number, one in enumerate(scores):
        colour = figures.SERIES[number % len(figures.SERIES)]
        false, true = (np.maximum(rate, least / 2) for rate in roc(one.members, one.others))
        if one.graded:
            false, true = _thinned(false, true)
            style = SAME_COLOUR[number // len(figures.SERIES)]
            axes.step(false, true, where="post", color=colour, linestyle=style, label=one.attack)
        else:
            # A yes or no is a point, not a curve.
            axes.plot(false[1], true[1], "o", color=colour, label=one.attack)
    axes.plot([least / 2, 1], [least / 2, 1], color=figures.MUTED, linestyle=":", label="guessing")
    for fpr in params.fpr:
        axes.axvline(fpr, color=figures.LIMIT, linestyle="--", linewidth=0.8)
    axes.set(xscale="log", yscale="log", xlim=(least / 2, 1), ylim=(least / 2, 1.05))
    _label(axes, "false-positive rate (non-members accused)", "true-positive rate (members named)")
    return figures.to_svg(figure, name="roc.svg", title="Members named against non-members accused, logarithmic")


def sureness_picture(audit: Audit) -> Artifact:
    """How sure the model is of the truth of both sides."""
    import numpy as np

    figure, (axes,) = figures.canvas()
    confidence, count = audit.signals.confidence, len(audit.members)
    for name, own, colour in (
        ("members", confidence[:count], figures.CURRENT),
        ("non-members", confidence[count:], figures.REFERENCE),
    ):
        weights = np.full(len(own), 1 / len(own))
        axes.hist(own, bins=BINS, range=(0, 1), weights=weights, histtype="step", color=colour, label=name)
    what = (
        "probability that the model gives to the true class" if audit.members.classes else "closeness to the true value"
    )
    _label(axes, what, "share of rows")
    return figures.to_svg(figure, name="sureness.svg", title="How sure the model is of members and non-members")


def _thinned(false: np.ndarray, true: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The highest point over each false-positive rate, as many of them as an eye can tell apart on a logarithmic axis."""
    import numpy as np

    highest = np.flatnonzero(np.diff(false, append=np.inf))
    seen = np.unique(np.geomspace(1, len(highest), POINTS).astype(int)) - 1
    return false[highest[seen]], true[highest[seen]]


def _label(axes: Axes, x: str, y: str) -> None:
    axes.set_xlabel(x, fontsize=9)
    axes.set_ylabel(y, fontsize=9)
    axes.legend(fontsize=8, frameon=False)
