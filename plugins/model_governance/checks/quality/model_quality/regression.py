"""Quality of a regression model: sizes, direction and spread of its errors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from model_governance.checks.quality.model_quality import figures, report
from model_governance.checks.quality.model_quality.evaluation import ONE_ROW, TaskMetrics, absent, too_few
from model_governance.checks.quality.model_quality.numeric import finite_numbers, finite_predictions
from model_governance.checks.quality.model_quality.paired import paired_errors
from model_governance.checks.quality.model_quality.points import error_points
from model_governance.checks.quality.model_quality.uncertainty import (
    error_mean,
    influence_reach,
    mean_interval,
    median_interval,
)
from model_governance.contract.result import Estimate
from model_governance.stats.tails import DOUBTFUL, allow_for_tail, tail_index

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
    error, champion = predicted - truth, evaluation.subject.champion
    others = None if champion is None else finite_predictions(champion, evaluation.labelled) - truth
    gains = [] if others is None else paired_errors(error, others, seed=evaluation.seed)
    return TaskMetrics(
        estimates=(*estimate_regression(truth, predicted, seed=evaluation.seed), *gains),
        points=lambda rows: error_points(truth[rows], error[rows], None if others is None else others[rows]),
        on_rows=lambda rows: tuple(
            estimate for estimate in averages(error[rows], seed=evaluation.seed) if estimate.name != "rmse"
        ),
        losses=np.abs(error),
        tables=(report.error_table(error),),
        figures=(figures.predicted_and_actual(truth, predicted), figures.residuals(error)),
    )


def estimate_regression(truth: np.ndarray, predicted: np.ndarray, *, seed: int) -> tuple[Estimate, ...]:
    """Estimate the metrics of finite targets and predictions, both (n,); the seed is that of subsamples."""
    error = predicted - truth
    return (
        *averages(error, seed=seed),
        _median(error),
        _r2(truth, predicted, seed=seed),
        _mape(truth, error, seed=seed),
    )


def averages(error: np.ndarray, *, seed: int) -> list[Estimate]:
    """Means of errors (n,), of their sizes and squares; the limits of the RMSE are the roots of those of the mean square."""
    import numpy as np

    return [
        error_mean("mae", np.abs(error), seed=seed),
        error_mean("rmse", np.square(error), seed=seed, root=True),
        _bias(error, seed=seed),
    ]


def _bias(error: np.ndarray, *, seed: int) -> Estimate:
    if len(error) < 2:
        return too_few("bias", ONE_ROW, n=len(error))
    value, interval, remark = float(error.mean()), mean_interval(error), ""
    if interval is not None:
        interval, remark = allow_for_tail(error, interval, seed=seed)
    return Estimate(name="bias", value=value, n=len(error), interval=interval, detail=remark)


def _median(error: np.ndarray) -> Estimate:
    import numpy as np

    size = np.abs(error)
    value = float(np.median(size))
    return Estimate(name="median_absolute_error", value=value, n=len(size), interval=median_interval(size))


def _r2(truth: np.ndarray, predicted: np.ndarray, *, seed: int) -> Estimate:
    """R2 with an interval on the scale of log(1 - R2), from the influence of each row on both variances."""
    import numpy as np
    from sklearn.metrics import r2_score

    n = len(truth)
    centred, square = np.square(truth - truth.mean()), np.square(predicted - truth)
    unexplained, variance = float(square.mean()), float(centred.mean())
    # Targets may differ by so little that their variance is 0 all the same.
    if np.ptp(truth) == 0 or variance == 0:
        return too_few("r2", f"all {n:,} targets are equal, so there is no variance to explain", n=n)
    value, interval, remark = float(r2_score(truth, predicted)), None, ""
    if n > 1 and unexplained > 0:
        (below, above), remark = influence_reach(square / unexplained - centred / variance, seed=seed)
        if above > 0:
            interval = 1 - (1 - value) * math.exp(min(above, 300.0)), 1 - (1 - value) / math.exp(min(below, 300.0))
            interval, remark = _with_tail_of_squares(interval, square, variance - unexplained, remark, seed=seed)
    return Estimate(name="r2", value=value, n=n, interval=interval, detail=remark)


def _with_tail_of_squares(
    interval: tuple[float, float], square: np.ndarray, explained: float, remark: str, *, seed: int
) -> tuple[tuple[float, float], str]:
    """An interval of R2 that reaches as far as the limits of the mean square error do where that has a heavy tail.

    The influence of a row does not show what a tail that was not seen does to both variances. With the explained
    variance as it is, R2 is explained / (explained + mean square).

    Args:
        interval: The interval from the influences.
        square: Squared errors (n,).
        explained: Variance of the targets less the mean square.
        remark: The remark on the tail so far.
        seed: Seed of the subsamples.
    """
    mean_square = error_mean("mse", square, seed=seed)
    if tail_index(square) >= DOUBTFUL or explained <= 0 or mean_square.interval is None:
        return interval, remark
    least, most = mean_square.interval
    low, high = explained / (explained + most), explained / (explained + least)
    return (min(low, interval[0]), max(high, interval[1])), mean_square.detail or remark


def _mape(truth: np.ndarray, error: np.ndarray, *, seed: int) -> Estimate:
    import numpy as np

    zeros = int((truth == 0).sum())
    if zeros:
        return absent(
            "mape",
            f"{zeros:,} of {len(truth):,} targets are 0, where a relative error has no meaning; demand mae instead",
            n=len(truth),
        )
    with np.errstate(over="ignore"):
        size = np.abs(error / truth)
        countable = bool(np.isfinite(np.square(size).sum()))
    if not countable:
        return absent("mape", "a target is so near 0 that its relative error is beyond numbers", n=len(truth))
    return error_mean("mape", size, seed=seed)
