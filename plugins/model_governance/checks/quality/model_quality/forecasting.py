"""Quality of a forecast: errors against the naive one (MASE), quantiles and the intervals between them.

Rows of one moment are correlated and moments depend on those before, so every interval is that of blocks of moments
(`intervals.block_interval`), not of rows.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from model_governance.checks.quality.model_quality import figures
from model_governance.checks.quality.model_quality.evaluation import TaskMetrics, absent, too_few
from model_governance.checks.quality.model_quality.moments import moments_of, series_of
from model_governance.checks.quality.model_quality.numeric import finite_numbers, finite_predictions
from model_governance.checks.quality.model_quality.seasonal_naive import NaiveScales, naive_scales
from model_governance.contract.result import Estimate
from model_governance.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from model_governance.checks.quality.model_quality.evaluation import Evaluation
    from model_governance.checks.quality.model_quality.moments import Moments
    from model_governance.contract.subject import Model


def evaluate_forecasting(evaluation: Evaluation) -> TaskMetrics:
    """Measure all metrics of forecasting; errors are forecast minus target, in units of the target.

    Raises:
        SubjectError: Moments or series are not declared, missing, or occur twice.
        CheckError: Targets or published forecasts are not finite numbers.
        ModelMisbehaved: The model's answers cannot be used.
    """
    labelled, params = evaluation.labelled, evaluation.params
    truth = finite_numbers(labelled.truth, what="targets")
    series = series_of(evaluation)
    moments = moments_of(evaluation, series)
    error = _forecasts(evaluation, evaluation.model) - truth
    scales = naive_scales(evaluation)
    quantiles = {
        quantile: finite_numbers(labelled.column(name), what="quantile forecasts")
        for quantile, name in params.quantile_columns.items()
    }
    naive = scales.of(series)

    def on_rows(rows: np.ndarray) -> tuple[Estimate, ...]:
        part = moments.on(rows)
        return (_mase(error[rows], naive[rows], part, scales), *_errors(error[rows], part)[::2])

    estimates = [_mase(error, naive, moments, scales), *_errors(error, moments)]
    estimates += quantile_estimates(truth, quantiles, moments)
    estimates += _gains(evaluation, truth, error, naive, moments)
    return TaskMetrics(
        estimates=tuple(estimates),
        on_rows=on_rows,
        figures=(figures.errors_over_time(moments.number, error),),
        notes=_notes(evaluation, moments, scales, quantiles),
    )


def _mase(error: np.ndarray, naive: np.ndarray, moments: Moments, scales: NaiveScales) -> Estimate:
    """Mean absolute error in units of the in-sample error of the seasonal naive forecast (Hyndman and Koehler, 2006)."""
    import numpy as np

    known = np.isfinite(naive)
    if not known.any():
        missing = too_few if scales.has_history else absent
        return missing("mase", scales.reason or "no series of these rows has a scale in the history", n=len(error))
    mase = moments.on(known).mean("mase", np.abs(error[known]) / naive[known], scale="log")
    excluded = int((~known).sum())
    return _with_detail(mase, f"{excluded:,} rows of series without history left out") if excluded else mase


def _errors(error: np.ndarray, moments: Moments) -> list[Estimate]:
    """MAE, RMSE, bias."""
    import numpy as np

    square = moments.mean("rmse", np.square(error), scale="log")
    reach = square.interval and (math.sqrt(square.interval[0]), math.sqrt(square.interval[1]))
    root = math.sqrt(float(np.square(error).mean()))
    rmse = Estimate(name="rmse", value=root, n=len(error), interval=reach, detail=square.detail)
    return [moments.mean("mae", np.abs(error), scale="log"), rmse, moments.mean("bias", error)]


def quantile_estimates(truth: np.ndarray, quantiles: Mapping[float, np.ndarray], moments: Moments) -> list[Estimate]:
    """Pinball loss of every quantile, coverage and width of every interval between q and 1 - q."""
    import numpy as np

    estimates = []
    for quantile, forecast in quantiles.items():
        gap = truth - forecast
        loss = np.maximum(quantile * gap, (quantile - 1) * gap)
        estimates.append(moments.mean("pinball_loss", loss, scale="log", key=f"{quantile:g}"))
    for low, high in interval_pairs(tuple(quantiles)):
        inside = (truth >= quantiles[low]) & (truth <= quantiles[high])
        name, nominal = f"{low:g} to {high:g}", f"{high - low:.0%} is promised"
        coverage = moments.mean("interval_coverage", inside.astype(float), scale="logit", key=name)
        estimates.append(_with_detail(coverage, nominal))
        estimates.append(moments.mean("interval_width", quantiles[high] - quantiles[low], key=name))
    return estimates


def interval_pairs(quantiles: tuple[float, ...]) -> list[tuple[float, float]]:
    """Pairs q and 1 - q among the quantiles, the widest first."""
    return [(low, high) for low in quantiles for high in quantiles if low < 0.5 < high and math.isclose(low + high, 1)]


def _gains(
    evaluation: Evaluation, truth: np.ndarray, error: np.ndarray, naive: np.ndarray, moments: Moments
) -> list[Estimate]:
    """Against the champion on the same rows; above 0 is better."""
    import numpy as np

    if evaluation.subject.champion is None:
        return []
    if evaluation.params.prediction_column is not None:
        raise CheckError(
            "prediction_column holds the forecasts of one model, so there is nothing to compare a champion with; remove "
            "prediction_column and the model is asked, or remove the champion"
        )
    gain = np.abs(finite_predictions(evaluation.subject.champion, evaluation.labelled) - truth) - np.abs(error)
    known = np.isfinite(naive)
    gains = [moments.mean("mae_gain", gain)]
    if known.any():
        gains.append(moments.on(known).mean("mase_gain", gain[known] / naive[known]))
    return gains


def _forecasts(evaluation: Evaluation, model: Model) -> np.ndarray:
    name = evaluation.params.prediction_column
    if name is None:
        return finite_predictions(model, evaluation.labelled)
    return finite_numbers(evaluation.labelled.column(name), what="forecasts")


def _notes(
    evaluation: Evaluation, moments: Moments, scales: NaiveScales, quantiles: Mapping[float, np.ndarray]
) -> tuple[str, ...]:
    count = int(moments.number.max()) + 1
    notes = [f"{count:,} moments; intervals treat blocks of {moments.length} moments as one observation."]
    if scales.note:
        notes.append(scales.note)
    if evaluation.params.prediction_column is not None:
        notes.append(
            f"Forecasts as published in column {evaluation.params.prediction_column}; the model was not asked."
        )
    crossed = sum(int((quantiles[low] > quantiles[high]).sum()) for low, high in interval_pairs(tuple(quantiles)))
    if crossed:
        notes.append(f"{crossed:,} intervals are inverted: the lower quantile is forecast above the upper one.")
    return tuple(notes)


def _with_detail(estimate: Estimate, detail: str) -> Estimate:
    return replace(estimate, detail="; ".join(part for part in (detail, estimate.detail) if part))
