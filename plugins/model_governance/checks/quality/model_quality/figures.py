"""Figures of `model_quality`, all drawn from aggregates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.report.figures import CURRENT, LIMIT, MUTED, REFERENCE, canvas, to_svg

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from matplotlib.axes import Axes

    from model_governance.checks.quality.model_quality.calibration import ProbabilityBins
    from model_governance.contract.result import Artifact, Estimate

MAX_POINTS = 400  # of a curve: more are not visible and enlarge the file
CELLS_WITH_NUMBERS = 12
CELLS = 40


def roc_and_precision_recall(score: np.ndarray, hit: np.ndarray) -> Artifact:
    """ROC and precision-recall curves side by side, with those of guessing."""
    from sklearn.metrics import precision_recall_curve, roc_curve

    figure, (left, right) = canvas(columns=2)
    false, true, _ = roc_curve(hit, score)
    precision, recall, _ = precision_recall_curve(hit, score)
    left.plot(*_thinned(false, true), color=CURRENT)
    left.plot([0, 1], [0, 1], color=MUTED, linestyle="--", linewidth=1, label="guessing")
    right.step(*_thinned(recall, precision), color=CURRENT, where="post")
    right.axhline(float(hit.mean()), color=MUTED, linestyle="--", linewidth=1, label="guessing")
    _label(left, title="ROC", x="false positive rate", y="recall")
    _label(right, title="Precision and recall", x="recall", y="precision")
    for axes in (left, right):
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.02)
        axes.legend(fontsize=7, frameon=False)
    title = f"ROC and precision-recall curves, {len(hit):,} rows"
    return to_svg(figure, name="roc_precision_recall.svg", title=title)


def calibration(score: np.ndarray, bins: ProbabilityBins) -> Artifact:
    """Predicted against observed share per bin with 95% limits, and how often each probability is predicted."""
    figure, (left, right) = canvas(columns=2)
    limits = bins.limits()
    observed = bins.observed
    reach = [
        [share - low for share, (low, _) in zip(observed, limits, strict=True)],
        [high - share for share, (_, high) in zip(observed, limits, strict=True)],
    ]
    left.plot([0, 1], [0, 1], color=MUTED, linestyle="--", linewidth=1, label="calibrated")
    left.errorbar(bins.mean, observed, yerr=reach, color=CURRENT, marker="o", markersize=3, linewidth=1, capsize=2)
    left.legend(fontsize=7, frameon=False)
    right.hist(score, bins=20, range=(0, 1), color=REFERENCE)
    _label(left, title=f"Calibration, {len(bins.rows)} bins", x="predicted probability", y="observed share")
    _label(right, title="Predicted probabilities", x="predicted probability", y="rows")
    return to_svg(figure, name="calibration.svg", title=f"Calibration of {len(score):,} predicted probabilities")


def confusion(counts: np.ndarray, names: Sequence[str]) -> Artifact:
    """Heat map of labels against predictions, coloured by share of the label, with the counts."""
    import numpy as np

    k = len(names)
    side = min(3.0 + 0.35 * k, 12.0)
    figure, (axes,) = canvas(width=side, height=side * 0.85)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.pcolormesh(shares, cmap="Blues", vmin=0, vmax=1, edgecolors="white", linewidth=1)
    axes.set_xticks(np.arange(k) + 0.5, names, rotation=45 if k > 4 else 0)
    axes.set_yticks(np.arange(k) + 0.5, names)
    axes.invert_yaxis()
    if k <= CELLS_WITH_NUMBERS:
        for row, column in np.ndindex(k, k):
            ink = "white" if shares[row, column] > 0.5 else "black"
            text = f"{counts[row, column]:,}\n{shares[row, column]:.0%}"
            axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", color=ink, fontsize=8)
    _label(axes, title="Labels against predictions", x="predicted", y="label")
    return to_svg(figure, name="confusion.svg", title=f"Confusion matrix, {int(counts.sum()):,} rows")


def predicted_and_actual(truth: np.ndarray, predicted: np.ndarray) -> Artifact:
    """Counts of rows over target and prediction in hexagons, with the line of perfect predictions."""
    figure, (axes,) = canvas(width=4.6, height=3.8)
    low, high = float(min(truth.min(), predicted.min())), float(max(truth.max(), predicted.max()))
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        low, high = low - 0.5, high + 0.5
    extent = (low, high, low, high)
    cells = axes.hexbin(truth, predicted, gridsize=CELLS, extent=extent, mincnt=1, bins="log", cmap="viridis")
    axes.plot([low, high], [low, high], color=LIMIT, linestyle="--", linewidth=1)
    figure.colorbar(cells, ax=axes, label="rows")
    _label(axes, title="Predictions against targets", x="target", y="prediction")
    return to_svg(figure, name="predicted_actual.svg", title=f"Predictions against targets, {len(truth):,} rows")


def residuals(error: np.ndarray) -> Artifact:
    """Histogram of prediction minus target; the outermost 1% is gathered in the first and last bars."""
    import numpy as np

    figure, (axes,) = canvas()
    low, high = np.quantile(error, [0.005, 0.995])
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        # Equal but for rounding: bars between them would be too narrow to be visible.
        low, high = low - 0.5, high + 0.5
    axes.hist(np.clip(error, low, high), bins=CELLS, range=(low, high), color=REFERENCE)
    axes.axvline(0, color=LIMIT, linestyle="--", linewidth=1, label="no error")
    axes.axvline(float(error.mean()), color=CURRENT, linewidth=1, label="mean error")
    axes.legend(fontsize=7, frameon=False)
    _label(axes, title="Errors", x="prediction minus target (0.5% to 99.5%, rest in the outer bars)", y="rows")
    return to_svg(figure, name="residuals.svg", title=f"Errors of {len(error):,} predictions")


def distribution_over_groups(ndcg: np.ndarray, *, top_k: int) -> Artifact:
    """Histogram of NDCG over groups with its mean."""
    figure, (axes,) = canvas()
    axes.hist(ndcg, bins=20, range=(0, 1), color=REFERENCE)
    axes.axvline(float(ndcg.mean()), color=CURRENT, linewidth=1, label="mean")
    axes.legend(fontsize=7, frameon=False)
    _label(axes, title=f"NDCG of the first {top_k}", x="ndcg", y="groups")
    return to_svg(figure, name="ndcg.svg", title=f"NDCG over {len(ndcg):,} groups")


def _thinned(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    import numpy as np

    chosen = np.unique(np.linspace(0, len(x) - 1, MAX_POINTS).round().astype(int))
    return x[chosen], y[chosen]


def _label(axes: Axes, *, title: str, x: str, y: str) -> None:
    axes.set_title(title, fontsize=9)
    axes.set_xlabel(x, fontsize=8)
    axes.set_ylabel(y, fontsize=8)


def errors_over_time(moment: np.ndarray, error: np.ndarray) -> Artifact:
    """Mean error and mean absolute error in periods of equal length, at most sixty."""
    import numpy as np

    figure, (axes,) = canvas()
    moments = int(moment.max()) + 1
    periods = min(60, moments)
    period = moment * periods // moments
    rows = np.bincount(period, minlength=periods)
    present = np.flatnonzero(rows)
    for values, colour, label in ((np.abs(error), REFERENCE, "mean absolute error"), (error, CURRENT, "mean error")):
        mean = np.bincount(period, weights=values, minlength=periods)[present] / rows[present]
        axes.plot(present, mean, color=colour, marker="o", markersize=2.5, linewidth=1, label=label)
    axes.axhline(0, color=LIMIT, linestyle="--", linewidth=1)
    axes.legend(fontsize=7, frameon=False)
    _label(axes, title="Errors over time", x=f"{moments:,} moments in {periods} periods", y="forecast minus target")
    return to_svg(figure, name="errors_over_time.svg", title=f"Errors over time, {len(error):,} forecasts")


def slices(estimates: Sequence[Estimate]) -> Artifact:
    """The first metric of every slice with its interval, slices in the order of the policy."""
    name = estimates[0].name
    drawn = [
        (estimate, estimate.value) for estimate in estimates if estimate.name == name and estimate.value is not None
    ]
    figure, (axes,) = canvas(height=1.2 + 0.28 * max(len(drawn), 1))
    for place, (estimate, value) in enumerate(drawn):
        if estimate.interval is not None:
            axes.plot(estimate.interval, [place, place], color=MUTED, linewidth=2)
        axes.plot([value], [place], color=CURRENT, marker="o", markersize=4)
    axes.set_yticks(range(len(drawn)), [f"{estimate.key} ({estimate.n:,})" for estimate, _ in drawn])
    axes.invert_yaxis()
    metric = name.removeprefix("slice_").replace("_", " ")
    _label(axes, title="Quality by slice", x=f"{metric}, 95% interval", y="")
    return to_svg(figure, name="slices.svg", title=f"Quality by slice: {metric} of {len(drawn)} slices")
