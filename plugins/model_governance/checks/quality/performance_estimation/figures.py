"""Figures of `performance_estimation`: calibration, and distributions on reference and current."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.report.figures import CURRENT, MUTED, REFERENCE, canvas, to_svg

if TYPE_CHECKING:
    import numpy as np

    from model_governance.checks.quality.performance_estimation.calibration import CalibrationBins
    from model_governance.contract.result import Artifact

BARS = 20


def calibration(bins: CalibrationBins, hits: str) -> Artifact:
    """Draw raw and calibrated probabilities against the observed share on held-out parts of the reference."""
    figure, (axes,) = canvas(width=4.6, height=3.8)
    axes.plot([0, 1], [0, 1], color=MUTED, linestyle="--", linewidth=1, label="perfectly calibrated")
    axes.plot(
        bins.score, bins.observed, color=MUTED, marker="o", markersize=3, linewidth=1, label="model's probability"
    )
    axes.plot(
        bins.probability, bins.observed, color=REFERENCE, marker="o", markersize=4, linewidth=1, label="calibrated"
    )
    axes.set_xlabel("probability")
    axes.set_ylabel("observed share")
    axes.legend()
    title = f"Probability and observed share of {hits}, held-out parts of the reference"
    return to_svg(figure, name="calibration.svg", title=title)


def probabilities(reference: np.ndarray, current: np.ndarray, hits: str) -> Artifact:
    """Draw the distributions of calibrated probabilities (n,) and (m,) on reference and current."""
    return _two_histograms(
        reference, current, limits=(0.0, 1.0), x=f"calibrated probability of {hits}", name="probabilities.svg",
        title=f"Calibrated probabilities of {hits}, reference and current",
    )  # fmt: skip


def expected_errors(reference: np.ndarray, current: np.ndarray) -> Artifact:
    """Draw the distributions of expected absolute errors (n,) and (m,); the outermost are in the last bars."""
    import numpy as np

    limits = np.quantile(np.concatenate([reference, current]), [0.005, 0.995])
    low, high = float(limits[0]), float(limits[1])
    if high - low <= 1e-9 * abs(high):
        low, high = low - 0.5, high + 0.5
    return _two_histograms(
        np.clip(reference, low, high), np.clip(current, low, high), limits=(low, high), x="expected absolute error",
        name="expected_errors.svg", title="Expected absolute errors, reference and current",
    )  # fmt: skip


def _two_histograms(
    reference: np.ndarray, current: np.ndarray, *, limits: tuple[float, float], x: str, name: str, title: str
) -> Artifact:
    import numpy as np

    figure, (axes,) = canvas()
    for values, colour, label in ((reference, REFERENCE, "reference"), (current, CURRENT, "current")):
        weights = np.full(len(values), 1 / len(values))
        axes.hist(values, bins=BARS, range=limits, weights=weights, histtype="step", color=colour, label=label)
    axes.set_xlabel(x)
    axes.set_ylabel("share of rows")
    axes.legend()
    return to_svg(figure, name=name, title=title)
