"""Estimated errors of a regression model, from a second model that learned the errors of the reference."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from model_governance.checks.quality.performance_estimation import pictures
from model_governance.checks.quality.performance_estimation.loss import designs, learn_loss
from model_governance.checks.quality.performance_estimation.measurement import (
    CONCEPT,
    Measurement,
    fitting_rows,
    labelled,
    outside,
)
from model_governance.checks.quality.performance_estimation.uncertainty import change_p_value, limits, rise_p_value
from model_governance.contract.result import Estimate, Table
from model_governance.errors import CheckError, ModelMisbehaved
from model_governance.stats.intervals import clopper_pearson

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from model_governance.checks.quality.performance_estimation.loss import LossModel
    from model_governance.checks.quality.performance_estimation.params import EstimationParams
    from model_governance.contract.subject import Subject

BINS = 10


def measure_regression(subject: Subject, params: EstimationParams, seed: int) -> Measurement:
    """Estimated mean absolute and root mean squared error on current.

    Raises:
        CheckError: targets are no finite numbers, or the model makes no error on the reference.
        SubjectError, ModelMisbehaved: as `Subject.features`, `Subject.target` and `Model`.
    """
    import numpy as np

    names = list(subject.columns.names)
    rows, notes = fitting_rows(subject, params.fitting_rows, seed=seed)
    reference, current = rows[names], subject.features("current")
    answers = _predicted(subject, reference), _predicted(subject, current)
    errors = answers[0] - _targets(rows[str(subject.columns.target)])
    if not errors.any():
        raise CheckError(
            f"{subject.datasets['reference'].uri}: the model makes no error on the reference, so none can be learned; "
            "give held-out rows"
        )
    known, current_design, categories = designs(reference, current, subject.columns, answers=answers)
    fold = np.random.default_rng(seed).permutation(len(errors)) % params.folds
    absolute, squared = (
        learn_loss(seen, known, current_design, categories=categories, fold=fold)
        for seen in (np.abs(errors), errors**2)
    )
    strange, total = outside(subject)
    numbers = (
        *_estimates(absolute, squared),
        _loss_increase(absolute),
        Estimate(
            name="outside_reference_share", value=strange / total, n=total, interval=clopper_pearson(strange, total)
        ),
        *_against_labels(subject, answers[1], absolute),
    )
    how = f"Errors learned by gradient boosting on {len(errors):,} labelled reference rows, {params.folds} folds."
    table = _table(absolute)
    artifacts = (pictures.expected_errors(absolute.held_out, absolute.elsewhere.mean(axis=0)),)
    return Measurement(numbers=numbers, tables=(table,), artifacts=artifacts, notes=(how, *notes, CONCEPT))


def _estimates(absolute: LossModel, squared: LossModel) -> tuple[Estimate, Estimate]:
    n = absolute.elsewhere.shape[1]
    mean_square, error = squared.value, math.sqrt(squared.realised_variance())
    square = limits(mean_square, error, "log")
    root = None if square is None else (math.sqrt(square[0]), math.sqrt(square[1]))
    interval = limits(absolute.value, math.sqrt(absolute.realised_variance()), "log")
    return (
        Estimate(name="estimated_mae", value=absolute.value, n=n, interval=interval),
        Estimate(name="estimated_rmse", value=math.sqrt(mean_square), n=n, interval=root),
    )


def _loss_increase(absolute: LossModel) -> Estimate:
    value, variance = absolute.rise()
    error = math.sqrt(variance)
    detail = f"mean absolute error {absolute.held_out.mean():.4g} on the reference, {absolute.value:.4g} now"
    return Estimate(
        name="estimated_loss_increase", value=value, n=absolute.elsewhere.shape[1], detail=detail,
        interval=limits(value, error), p_value=rise_p_value(value, error),
    )  # fmt: skip


def _against_labels(subject: Subject, predicted: np.ndarray, absolute: LossModel) -> list[Estimate]:
    import numpy as np

    rows, reason = labelled(subject)
    if len(rows) == 0:
        return [Estimate(name=name, value=None, n=0, reason=reason) for name in ("realised_mae", "estimation_error")]
    target = str(subject.columns.target)
    truth = _targets(subject.frame("current", columns=[target])[target].iloc[rows])
    size = np.abs(predicted[rows] - truth)
    mine = replace(absolute, elsewhere=absolute.elsewhere[:, rows])
    realised, error = float(size.mean()), math.sqrt(mine.realised_variance())
    noise = float(np.std(size, ddof=1)) / math.sqrt(len(size)) if len(size) > 1 else 0.0
    value = mine.value - realised
    return [
        Estimate(name="realised_mae", value=realised, n=len(rows), interval=limits(realised, noise, "log")),
        Estimate(name="estimation_error", value=value, n=len(rows), interval=limits(value, error),
               p_value=change_p_value(value, error)),
    ]  # fmt: skip


def _predicted(subject: Subject, frame: pd.DataFrame) -> np.ndarray:
    import numpy as np

    model = subject.require_model()
    answer = model.predict(frame)
    if answer.dtype.kind not in "fiub":
        raise ModelMisbehaved(f"model {model.name!r} must predict numbers, found {answer.dtype}")
    return answer.astype(np.float64)


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


def _table(absolute: LossModel) -> Table:
    """Whether rows that were expected to be hard are hard."""
    import numpy as np

    parts = np.array_split(np.argsort(absolute.held_out, kind="stable"), BINS)
    rows = tuple(
        (place, len(one), float(absolute.held_out[one].mean()), float(absolute.seen[one].mean()))
        for place, one in enumerate(parts, start=1)
    )
    header = ("bin", "rows", "expected absolute error", "observed absolute error")
    title = "Reference, held-out parts: expected and observed absolute error"
    return Table(name="expected_errors", title=title, header=header, rows=rows)
