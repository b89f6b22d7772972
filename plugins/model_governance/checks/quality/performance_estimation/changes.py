"""Estimated performance on current minus the same on held-out reference rows, by the same calibration."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.checks.quality.performance_estimation.average_precision import expected_average_precision
from model_governance.checks.quality.performance_estimation.cbpe import bin_scores, correctness
from model_governance.checks.quality.performance_estimation.dependence import effect_of_sum
from model_governance.checks.quality.performance_estimation.uncertainty import increase_p_value, normal_limits
from model_governance.contract.result import Estimate

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from model_governance.checks.quality.performance_estimation.calibration import Calibration
    from model_governance.checks.quality.performance_estimation.cbpe import Predictions, ScoreBins
    from model_governance.checks.quality.performance_estimation.dependence import RowDependence

    # Expected value of weighted rows and the influence (n,) of each row on it; None where it is not defined.
    Statistic = Callable[["ScoreBins", "np.ndarray"], "tuple[float, np.ndarray] | None"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A statistic on both datasets, and the standard error of their difference."""

    before: float
    now: float
    error: float

    @property
    def value(self) -> float:
        """How much larger it is on current."""
        return self.now - self.before


def changes(
    reference: Predictions, current: Predictions, calibration: Calibration, *, dependence: RowDependence, binary: bool
) -> list[Estimate]:
    """Changes of the error rate, and for binary problems of recall and average precision."""
    n = current.n
    loss = _change(_error_rate, reference, current, calibration, dependence=dependence)
    estimates = [] if loss is None else [_loss_increase(loss, n=n)]
    if not binary:
        return estimates
    for name, statistic in (("recall", _recall), ("average_precision", _average_precision)):
        change = _change(statistic, reference, current, calibration, dependence=dependence)
        if change is None:
            reason = "no positive is expected among the rows"
            estimates.append(
                Estimate(name=f"estimated_{name}_change", value=None, n=n, reason=reason, absence="uncertain")
            )
            continue
        estimates.append(
            Estimate(
                name=f"estimated_{name}_change", value=change.value, n=n,
                limits=normal_limits(change.value, change.error),
                detail=f"{change.before:.4f} on the reference, {change.now:.4f} now",
            )
        )  # fmt: skip
    return estimates


def _loss_increase(change: Change, *, n: int) -> Estimate:
    return Estimate(
        name="estimated_loss_increase", value=change.value, n=n, limits=normal_limits(change.value, change.error),
        detail=f"error rate {change.before:.4f} on the reference, {change.now:.4f} now",
        p_value=increase_p_value(change.value, change.error),
    )  # fmt: skip


def _change(
    statistic: Statistic,
    reference: Predictions,
    current: Predictions,
    calibration: Calibration,
    *,
    dependence: RowDependence,
) -> Change | None:
    """The change with the errors of both samples of rows and of the calibration."""
    import numpy as np

    before = statistic(_single(reference), calibration.held_out)
    now = statistic(_single(current), calibration(current.score, current.predicted))
    if before is None or now is None:
        return None
    refits = []
    bins = bin_scores(reference), bin_scores(current)
    for curve in calibration.resampled:
        values = [statistic(rows, curve(rows.score, rows.predicted)) for rows in bins]
        if values[0] is not None and values[1] is not None:
            # A curve that is too high is too high on both datasets: only the difference varies.
            refits.append(values[1][0] - values[0][0])
    calibrated = float(np.var(refits, ddof=1)) if len(refits) > 1 else 0.0
    sampled = sum(
        effect_of_sum(influence, clusters) * float((influence**2).sum())
        for influence, clusters in ((before[1], dependence.reference), (now[1], dependence.current))
    )
    return Change(before=before[0], now=now[0], error=math.sqrt(sampled + calibrated))


def _single(predictions: Predictions) -> ScoreBins:
    """Every row as a bin of its own."""
    import numpy as np

    from model_governance.checks.quality.performance_estimation.cbpe import ScoreBins

    return ScoreBins(score=predictions.score, predicted=predictions.predicted, rows=np.ones(predictions.n))


def _error_rate(rows: ScoreBins, probability: np.ndarray) -> tuple[float, np.ndarray]:
    wrong, total = 1 - correctness(probability, rows.predicted), float(rows.rows.sum())
    value = float((rows.rows * wrong).sum()) / total
    return value, (wrong - value) / max(total - 1, 1.0)


def _recall(rows: ScoreBins, probability: np.ndarray) -> tuple[float, np.ndarray] | None:
    positives = float((rows.rows * probability).sum())
    if positives <= 0:
        return None
    value = float((rows.rows * probability)[rows.predicted].sum()) / positives
    return value, probability * (rows.predicted - value) / positives


def _average_precision(rows: ScoreBins, probability: np.ndarray) -> tuple[float, np.ndarray] | None:
    expected = expected_average_precision(rows.score, probability, rows=rows.rows)
    return None if expected is None else (expected.value, expected.by_row)
