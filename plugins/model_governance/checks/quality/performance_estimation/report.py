"""What `performance_estimation` reports: sentences, notes and tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.contract.result import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from model_governance.checks.quality.performance_estimation.calibration import CalibrationBins, Method
    from model_governance.checks.quality.performance_estimation.dle import LossModel
    from model_governance.contract.result import Metric

BINS = 10
RARE = 0.05
"""Share of a class up to which the error rate says little about it."""
CONCEPT_DRIFT = (
    "These are estimates: they hold while rows of the same kind keep the same labels. A change of that relation "
    "(concept drift) leaves no trace in them; estimation_error shows it once labels are in."
)


def highlights(metrics: Mapping[str, Metric]) -> tuple[str, ...]:
    """The estimate, its increase over the reference, and the realised value where labels are known."""
    metric, name = ("mean absolute error", "mae") if "estimated_mae" in metrics else ("accuracy", "accuracy")
    estimate, increase = metrics[f"estimated_{name}"], metrics["estimated_loss_increase"]
    sentences = [f"Without labels, {metric} is estimated at {estimate.formatted}."] if estimate.formatted else []
    if increase.formatted:
        sentences.append(f"Estimated increase of the loss over the reference: {increase.formatted}.")
    realised, error = metrics.get(f"realised_{name}"), metrics.get("estimation_error")
    if realised and error and realised.formatted:
        sentences.append(
            f"On {realised.n:,} rows with a label it is {realised.formatted}: the estimate was off by {error.formatted}."
        )
    return tuple(sentences)


def calibration_note(method: Method, *, rows: int, folds: int) -> str:
    """How probabilities were calibrated."""
    if method == "none":
        return "Probabilities: the model's own, not calibrated."
    how = {"isotonic": "isotonic regression", "platt": "a logistic curve"}[method]
    return f"Probabilities: calibrated by {how} on {rows:,} labelled reference rows, {folds} folds."


def loss_note(*, rows: int, folds: int) -> str:
    """How expected errors were learned."""
    return f"Errors learned by gradient boosting on {rows:,} labelled reference rows, {folds} folds."


def rare_note(share: float) -> tuple[str, ...]:
    """What cannot see the rare class, where there is one; `share` of positives in the reference."""
    rare = min(share, 1 - share)
    if rare > RARE:
        return ()
    note = (
        f"{rare:.2%} of the reference rows are of the rarer class: a model that misses every one of them adds at most "
        f"{rare:.2g} to the error rate, so estimated_accuracy and estimated_loss_increase hardly see that class; "
        "estimated_recall_change and estimated_average_precision do."
    )
    return (note,)


def calibration_table(bins: CalibrationBins, hits: str) -> Table:
    """Score, calibrated probability and observed share of `hits` per bin of held-out reference rows."""
    rows = tuple(
        (number, int(count), float(score), float(probability), float(observed))
        for number, (count, score, probability, observed) in enumerate(
            zip(bins.rows, bins.score, bins.probability, bins.observed, strict=True), start=1
        )
    )
    header = ("bin", "rows", "mean probability", "mean calibrated probability", "observed share")
    title = f"Reference, held-out parts: probability, calibrated probability and observed share of {hits}"
    return Table(name="calibration", title=title, header=header, rows=rows)


def error_table(losses: LossModel) -> Table:
    """Expected and observed absolute error per bin of held-out reference rows, ordered by the expected one."""
    import numpy as np

    parts = np.array_split(np.argsort(losses.held_out, kind="stable"), BINS)
    rows = tuple(
        (number, len(part), float(losses.held_out[part].mean()), float(losses.observed[part].mean()))
        for number, part in enumerate(parts, start=1)
    )
    header = ("bin", "rows", "expected absolute error", "observed absolute error")
    title = "Reference, held-out parts: expected and observed absolute error"
    return Table(name="expected_errors", title=title, header=header, rows=rows)
