"""Estimated errors of a regression model, from a second model that learned the errors of the reference."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from model_governance.checks.quality.performance_estimation import figures, report
from model_governance.checks.quality.performance_estimation.dependence import effect_of, row_dependence
from model_governance.checks.quality.performance_estimation.dle import design_matrices, learn_loss, predict_loss
from model_governance.checks.quality.performance_estimation.folds import folds_of, joined_rows
from model_governance.checks.quality.performance_estimation.performance import Performance
from model_governance.checks.quality.performance_estimation.reference_support import outside_reference_share
from model_governance.checks.quality.performance_estimation.rows import fitting_rows, labelled_rows, reference_digest
from model_governance.checks.quality.performance_estimation.uncertainty import (
    change_p_value,
    forecast_limits,
    increase_p_value,
    normal_limits,
)
from model_governance.contract.repetition import once
from model_governance.contract.result import Estimate
from model_governance.errors import CheckError, ModelMisbehaved

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.checks.quality.performance_estimation.dependence import RowDependence
    from model_governance.checks.quality.performance_estimation.dle import LossModel
    from model_governance.checks.quality.performance_estimation.params import EstimationParams
    from model_governance.contract.subject import Subject


def estimate_regression(subject: Subject, params: EstimationParams, seed: int) -> Performance:
    """Estimate mean absolute and root mean squared error on current.

    Raises:
        CheckError: Targets are not finite numbers, or the model makes no error on the reference.
        SubjectError: As `Subject.features` and `Subject.target`.
        ModelMisbehaved: As `Model`.
    """
    import numpy as np

    rows, notes = fitting_rows(subject, params.fitting_rows, seed=seed)
    reference, current = rows[list(subject.columns.names)], subject.features("current")
    predictions = _predict(subject, reference), _predict(subject, current)
    errors = predictions[0] - _targets(rows[str(subject.columns.target)])
    if not errors.any():
        raise CheckError(
            f"{subject.datasets['reference'].uri}: the model makes no error on the reference, so none can be learned; "
            "give held-out rows"
        )
    design, current_design, categories = design_matrices(reference, current, subject.columns, answers=predictions)
    fold = folds_of(joined_rows(rows, subject.columns), params.folds, np.random.default_rng(seed))
    key = (reference_digest(subject), subject.require_model().sha256, repr(params), seed)

    def learn(name: str, losses: np.ndarray) -> LossModel:
        learners = once(name, key, lambda: learn_loss(losses, design, categories=categories, fold=fold))
        return predict_loss(learners, losses, current_design)

    absolute, squared = learn("absolute loss", np.abs(errors)), learn("squared loss", errors**2)
    of_absolute, of_squared = (
        row_dependence(subject, rows, residuals=losses.observed - losses.held_out, expected=losses.current.mean(axis=0))
        for losses in (absolute, squared)
    )
    return Performance(
        estimates=(
            *_errors(absolute, squared, effects=(of_absolute.on_current, of_squared.on_current)),
            _loss_increase(absolute, of_absolute),
            outside_reference_share(subject, of_absolute.current),
            *_realised(subject, predictions[1], absolute, dependence=of_absolute),
        ),
        tables=(report.error_table(absolute),),
        figures=(figures.expected_errors(absolute.held_out, absolute.current.mean(axis=0)),),
        notes=(
            report.loss_note(rows=len(errors), folds=params.folds),
            *notes,
            *of_absolute.notes,
            report.CONCEPT_DRIFT,
        ),
    )


def _errors(absolute: LossModel, squared: LossModel, *, effects: tuple[float, float]) -> tuple[Estimate, Estimate]:
    n = absolute.current.shape[1]
    limits, square = (
        forecast_limits(
            loss.value, math.sqrt(loss.realised_variance(effect)), "log", own_error=math.sqrt(loss.own_variance(effect))
        )
        for loss, effect in zip((absolute, squared), effects, strict=True)
    )
    root = None
    if square is not None:
        low, value, high = (math.sqrt(number) for number in (square.low95, square.value, square.high95))
        root = replace(square, value=value, low95=low, high95=high)
    return (
        Estimate(name="estimated_mae", value=absolute.value, n=n, limits=limits),
        Estimate(name="estimated_rmse", value=math.sqrt(squared.value), n=n, limits=root),
    )


def _loss_increase(absolute: LossModel, dependence: RowDependence) -> Estimate:
    value, variance = absolute.increase(
        (
            effect_of(absolute.held_out, dependence.reference),
            effect_of(absolute.current.mean(axis=0), dependence.current),
        )
    )
    error = math.sqrt(variance)
    detail = f"mean absolute error {absolute.held_out.mean():.4g} on the reference, {absolute.value:.4g} now"
    return Estimate(
        name="estimated_loss_increase", value=value, n=absolute.current.shape[1], detail=detail,
        limits=normal_limits(value, error), p_value=increase_p_value(value, error),
    )  # fmt: skip


def _realised(
    subject: Subject, predicted: np.ndarray, absolute: LossModel, *, dependence: RowDependence
) -> list[Estimate]:
    """Mean absolute error on the labelled rows of current, and the error of the estimate for the same rows."""
    import numpy as np

    rows, reason = labelled_rows(subject)
    if len(rows) == 0:
        return [
            Estimate(name=name, value=None, n=0, reason=reason, absence="uncertain")
            for name in ("realised_mae", "estimation_error")
        ]
    target = str(subject.columns.target)
    truth = _targets(subject.frame("current", columns=[target])[target].iloc[rows])
    absolute_error = np.abs(predicted[rows] - truth)
    same_rows = replace(absolute, current=absolute.current[:, rows])
    clusters = dependence.current.take(rows)
    effect = effect_of(absolute_error - same_rows.current.mean(axis=0), clusters)
    realised, error = float(absolute_error.mean()), math.sqrt(same_rows.realised_variance(effect))
    noise = float(np.std(absolute_error, ddof=1)) / math.sqrt(len(rows)) if len(rows) > 1 else 0.0
    noise *= math.sqrt(effect_of(absolute_error, clusters))
    value = same_rows.value - realised
    return [
        Estimate(name="realised_mae", value=realised, n=len(rows), limits=normal_limits(realised, noise, "log")),
        Estimate(name="estimation_error", value=value, n=len(rows), limits=normal_limits(value, error),
               p_value=change_p_value(value, error)),
    ]  # fmt: skip


def _predict(subject: Subject, frame: pd.DataFrame) -> np.ndarray:
    import numpy as np

    model = subject.require_model()
    predicted = model.predict(frame)
    if predicted.dtype.kind not in "fiub":
        raise ModelMisbehaved(f"model {model.name!r} must predict numbers, found {predicted.dtype}")
    return predicted.astype(np.float64)


def _targets(values: pd.Series) -> np.ndarray:
    import numpy as np
    from pandas.api.types import is_numeric_dtype

    if not is_numeric_dtype(values):
        raise CheckError(
            f"the targets in column {values.name!r} must be numbers, found {values.dtype}; cast them upstream"
        )
    numbers = values.to_numpy(dtype=np.float64)
    if not np.isfinite(numbers).all():
        raise CheckError(f"{int((~np.isfinite(numbers)).sum()):,} targets in column {values.name!r} are infinite")
    return numbers
