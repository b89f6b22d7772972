"""Quality of a regression model: sizes, direction and spread of its errors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from model_governance.checks.quality.model_quality import figures, report
from model_governance.checks.quality.model_quality.evaluation import TaskMetrics, absent
from model_governance.checks.quality.model_quality.numeric import finite_numbers, finite_predictions
from model_governance.checks.quality.model_quality.paired import paired_errors
from model_governance.checks.quality.model_quality.uncertainty import (
    mean_interval,
    median_interval,
    positive_mean_interval,
    t_reach,
)
from model_governance.contract.result import Estimate

if TYPE_CHECKING:
    import numpy as np

    from model_governance.checks.quality.model_quality.evaluation import Evaluation


def evaluate_regression(evaluation: Evaluation) -> TaskMetrics:
    """Measure all metrics of regression; errors are prediction minus target, in units of the target.

    Raises:
        CheckError: The targets are not finite numbers.
        ModelMisbehaved: The model's answers cannot be used.
    """
    import numpy as np

    truth = finite_numbers(evaluation.labelled.truth, what="targets")
    predicted = finite_predictions(evaluation.model, evaluation.labelled)
    error = predicted - truth
    return TaskMetrics(
        estimates=estimate_regression(truth, predicted) + _gains(evaluation, truth, error),
        on_rows=lambda rows: tuple(estimate for estimate in averages(error[rows]) if estimate.name != "rmse"),
        losses=np.abs(error),
        tables=(report.error_table(error),),
        figures=(figures.predicted_and_actual(truth, predicted), figures.residuals(error)),
    )


def estimate_regression(truth: np.ndarray, predicted: np.ndarray) -> tuple[Estimate, ...]:
    """Estimate the metrics of finite targets and predictions, both (n,)."""
    error = predicted - truth
    return (
        *averages(error),
        _median(error),
        _r2(truth, predicted),
        _mape(truth, error),
    )


def _gains(evaluation: Evaluation, truth: np.ndarray, error: np.ndarray) -> tuple[Estimate, ...]:
    champion = evaluation.subject.champion
    return (
        ()
        if champion is None
        else tuple(paired_errors(error, finite_predictions(champion, evaluation.labelled) - truth))
    )


def averages(error: np.ndarray) -> list[Estimate]:
    """Means with Student's t interval; that of the RMSE is the root of the one of the mean square."""
    import numpy as np

    n, size, square = len(error), np.abs(error), error**2
    mean_square = positive_mean_interval(square)
    root = None if mean_square is None else (math.sqrt(mean_square[0]), math.sqrt(mean_square[1]))
    return [
        Estimate(name="mae", value=float(size.mean()), n=n, interval=positive_mean_interval(size)),
        Estimate(name="rmse", value=math.sqrt(float(square.mean())), n=n, interval=root),
        Estimate(name="bias", value=float(error.mean()), n=n, interval=mean_interval(error)),
    ]


def _median(error: np.ndarray) -> Estimate:
    import numpy as np

    size = np.abs(error)
    value = float(np.median(size))
    return Estimate(name="median_absolute_error", value=value, n=len(size), interval=median_interval(size))


def _r2(truth: np.ndarray, predicted: np.ndarray) -> Estimate:
    """R2 with an interval on the scale of log(1 - R2), from the influence of each row on both variances."""
    import numpy as np
    from sklearn.metrics import r2_score

    n = len(truth)
    centred, square = np.square(truth - truth.mean()), np.square(predicted - truth)
    unexplained, variance = float(square.mean()), float(centred.mean())
    # Targets may differ by so little that their variance is 0 all the same.
    if np.ptp(truth) == 0 or variance == 0:
        return absent("r2", f"all {n:,} targets are equal, so there is no variance to explain", n=n)
    value = float(r2_score(truth, predicted))
    interval = None
    if n > 1 and unexplained > 0:
        reach = t_reach(square / unexplained - centred / variance)
        factor = math.exp(min(reach, 300.0))
        interval = (1 - (1 - value) * factor, 1 - (1 - value) / factor) if reach > 0 else None
    return Estimate(name="r2", value=value, n=n, interval=interval)


def _mape(truth: np.ndarray, error: np.ndarray) -> Estimate:
    import numpy as np

    zeros = int((truth == 0).sum())
    if zeros:
        return absent(
            "mape", f"{zeros:,} of {len(truth):,} targets are 0, where a relative error has no meaning", n=len(truth)
        )
    with np.errstate(over="ignore"):
        size = np.abs(error / truth)
        countable = bool(np.isfinite(np.square(size).sum()))
    if not countable:
        return absent("mape", "a target is so near 0 that its relative error is beyond numbers", n=len(truth))
    return Estimate(name="mape", value=float(size.mean()), n=len(size), interval=positive_mean_interval(size))
