"""What `model_quality` reports: sentences and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.contract.result import Table
from model_governance.contract.slices import SHOWN_FROM

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from model_governance.checks.quality.model_quality.calibration import ProbabilityBins
    from model_governance.checks.quality.model_quality.search import SearchResult
    from model_governance.contract.result import Estimate, Metric

LEADING = {
    "accuracy": "accuracy", "balanced_accuracy": "balanced accuracy", "roc_auc": "ROC AUC", "mae": "mean absolute error",
    "rmse": "RMSE", "ndcg": "nDCG", "mase": "MASE", "accuracy_gain": "gain over the champion",
}  # fmt: skip
SLICE_METRICS = ("slice_accuracy", "slice_mae")
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def highlights(metrics: Sequence[Metric], n: int) -> list[str]:
    """The metrics that a reader asks for first, on n labelled rows, and the worst slice of the policy."""
    leading = [
        f"{LEADING[metric.name]} {metric.formatted}"
        for metric in metrics
        if metric.name in LEADING and metric.formatted
    ]
    sentences = [f"On {n:,} labelled rows: {', '.join(leading)}."] if leading else []
    slices = [metric for metric in metrics if metric.name in SLICE_METRICS and metric.value is not None]
    if slices:
        worst = min(slices, key=lambda metric: float(metric.value or 0) * (1 if metric.better == "higher" else -1))
        sentences.append(
            f"Worst slice of the policy: {worst.key}, {worst.name.removeprefix('slice_')} {worst.formatted}."
        )
    return sentences


def confusion_table(confusion: np.ndarray, names: Sequence[str]) -> Table:
    """Counts of labels (rows) against predictions (columns), shape (k, k)."""
    rows = tuple(
        (name, *(int(count) for count in counts), int(counts.sum()))
        for name, counts in zip(names, confusion, strict=True)
    )
    header = ("label", *(f"predicted {name}" for name in names), "rows")
    return Table(name="confusion", title="Labels against predictions", header=header, rows=rows)


def class_table(confusion: np.ndarray, names: Sequence[str]) -> Table:
    """Rows, precision, recall and F1 of every class; an empty cell where there is nothing to divide by."""
    rows = []
    for number, name in enumerate(names):
        hits, labelled = int(confusion[number, number]), int(confusion[number].sum())
        predicted = int(confusion[:, number].sum())
        precision, recall = _ratio(hits, predicted), _ratio(hits, labelled)
        rows.append((name, labelled, predicted, precision, recall, _ratio(2 * hits, labelled + predicted)))
    header = ("class", "labelled rows", "predicted rows", "precision", "recall", "f1")
    return Table(name="classes", title="Quality by class", header=header, rows=tuple(rows))


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def calibration_table(bins: ProbabilityBins) -> Table:
    """Predicted against observed share per bin, with exact limits."""
    rows = tuple(
        (number, int(n), float(mean), float(observed), low, high)
        for number, (n, mean, observed, (low, high)) in enumerate(
            zip(bins.rows, bins.mean, bins.observed, bins.limits(), strict=True), start=1
        )
    )
    header = ("bin", "rows", "mean probability", "observed share", "observed, low", "observed, high")
    return Table(name="calibration", title="Predicted probability against observed share", header=header, rows=rows)


def error_table(error: np.ndarray) -> Table:
    """Quantiles of errors (n,), prediction minus target."""
    title = "Errors (prediction minus target): share of rows below a size"
    return Table(name="errors", title=title, header=("share of rows", "error at most"), rows=_quantile_rows(error))


def group_table(ndcg: np.ndarray) -> Table:
    """Quantiles of the NDCG of the groups (g,)."""
    title = "NDCG by group: share of groups below a value"
    return Table(name="groups", title=title, header=("share of groups", "ndcg at most"), rows=_quantile_rows(ndcg))


def _quantile_rows(values: np.ndarray) -> tuple[tuple[str, float], ...]:
    """Rows (share, value not exceeded by it); the extremes, which are single rows of data, are not shown."""
    import numpy as np

    quantiles = np.quantile(values, QUANTILES)
    return tuple((f"{share:.0%}", float(value)) for share, value in zip(QUANTILES, quantiles, strict=True))


def slice_table(estimates: Sequence[Estimate]) -> Table:
    """Every metric of every slice; counts below `SHOWN_FROM` rows are not shown."""
    rows = tuple(
        (estimate.key, estimate.name.removeprefix("slice_"), estimate.n if estimate.n >= SHOWN_FROM else None,
         estimate.value, *(estimate.interval or (None, None)))
        for estimate in estimates
    )  # fmt: skip
    header = ("slice", "metric", "rows", "value", "low", "high")
    return Table(name="slices", title="Quality by slice", header=header, rows=rows)


def weak_slice_table(result: SearchResult, *, level: float) -> Table:
    """The slices that the search nominated, on the half of the rows that confirms."""
    rows = tuple(
        (slice_.name, slice_.rows, slice_.inside, slice_.outside, p_value, "yes" if p_value <= level else "no")
        for slice_, p_value in zip(result.nominees, result.p_values, strict=True)
    )
    header = ("slice", "rows of the confirming half", "loss inside", "loss outside", "p, adjusted", "confirmed")
    title = "Slices nominated as weak, seen on the half of the rows that did not nominate them"
    return Table(name="weak_slices", title=title, header=header, rows=rows)
