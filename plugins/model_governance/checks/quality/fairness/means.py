"""Means of a regression model by group, and how far they lie apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.quality.fairness import pictures
from model_governance.checks.quality.fairness.measurement import (
    FEW_GROUPS,
    Measurement,
    extremes,
    known_labels,
    predict_all,
    shown_rows,
    unscored,
)
from model_governance.checks.quality.fairness.params import LEAST_CELL
from model_governance.checks.quality.fairness.spread import Means, equal_means_p_value, gap, spread_interval
from model_governance.contract.result import Estimate, Table
from model_governance.errors import CheckError, ModelMisbehaved

if TYPE_CHECKING:
    import numpy as np

    from model_governance.checks.quality.fairness.groups import Grouping
    from model_governance.checks.quality.fairness.params import FairnessParams
    from model_governance.contract.subject import Subject

Values = dict[str, "np.ndarray"]


def observe_numbers(subject: Subject) -> tuple[Values, str]:
    """Prediction, error and its size for every row of current (NaN without a label), and why there are no labels.

    Raises:
        CheckError: the targets are no finite numbers.
        SubjectError, ModelMisbehaved: as `feature_rows` and `Model`.
    """
    import numpy as np
    from pandas.api.types import is_numeric_dtype

    model = subject.require_model()
    predicted = predict_all(subject)
    if predicted.dtype.kind not in "fiub":
        raise ModelMisbehaved(f"model {model.name!r} must predict numbers, found {predicted.dtype}")
    predicted = predicted.astype(np.float64)
    labels, known, reason = known_labels(subject)
    truth = np.full(len(predicted), np.nan)
    if labels is not None and known.any():
        if not is_numeric_dtype(labels):
            raise CheckError(f"the targets in column {labels.name!r} must be numbers, found {labels.dtype}")
        truth = labels.to_numpy(dtype=np.float64, na_value=np.nan)
        if np.isinf(truth).any():
            raise CheckError(f"{int(np.isinf(truth).sum()):,} targets in column {labels.name!r} are infinite")
    error = predicted - truth
    return {"mean_prediction": predicted, "mean_error": error, "mean_absolute_error": np.abs(error)}, reason


def measure_numbers(
    values: Values, grouping: Grouping, *, reason: str, params: FairnessParams, seed: int
) -> Measurement:
    """All metrics of one grouping; `reason` says why there are no labels."""
    scored = grouping.scored(params.minimum_group_rows)
    numbers, columns = [unscored(grouping, scored)], {}
    for name, every in values.items():
        missing = reason if name != "mean_prediction" else ""
        groups = {} if missing else _by_number(every, grouping, scored)
        columns[name] = {one: float(rows.mean()) for one, rows in groups.items()}
        numbers.append(_gap(name, groups, grouping, reason=missing, params=params, seed=seed))
        numbers += [_mean(name, one, rows, grouping) for one, rows in groups.items()]
    header = ("group", "rows", *(one.replace("_", " ") for one in columns))
    table = tuple(
        (name, shown_rows(grouping.rows[place]), *(one.get(place) for one in columns.values()))
        for place, name in enumerate(grouping.names)
    )
    slug = "".join(one if one.isalnum() else "_" for one in grouping.name)
    return Measurement(
        numbers=tuple(numbers),
        table=Table(name=f"groups_{slug}", title=f"Means by {grouping.name}", header=header, rows=table),
        picture=pictures.means(grouping.name, list(grouping.names), columns),
    )


def _by_number(every: np.ndarray, grouping: Grouping, scored: np.ndarray) -> dict[int, np.ndarray]:
    """The values of each group that has enough of them."""
    import numpy as np

    known = ~np.isnan(every)
    parts = {one: every[known & (grouping.number == one)] for one in scored.tolist()}
    return {one: rows for one, rows in parts.items() if len(rows) >= LEAST_CELL}


def _gap(
    name: str, groups: dict[int, np.ndarray], grouping: Grouping, *, reason: str, params: FairnessParams, seed: int
) -> Estimate:
    import numpy as np

    n = sum(len(one) for one in groups.values())
    if reason or len(groups) < 2:
        return Estimate(name=f"{name}_gap", key=grouping.name, value=None, n=n, reason=reason or FEW_GROUPS)
    rows = list(groups.values())
    means = Means(
        observed=np.array([one.mean() for one in rows]),
        errors=np.array([one.std(ddof=1) / np.sqrt(len(one)) for one in rows]),
    )
    interval = None
    if means.errors.min() > 0:
        interval = spread_interval([means], gap, seed=seed, resamples=params.resamples)
    return Estimate(
        name=f"{name}_gap", key=grouping.name, value=float(gap(means.observed)), n=n, interval=interval,
        p_value=equal_means_p_value(rows), detail=extremes([grouping.names[one] for one in groups], means.observed),
    )  # fmt: skip


def _mean(name: str, place: int, rows: np.ndarray, grouping: Grouping) -> Estimate:
    import numpy as np
    from scipy.stats import t

    mean = float(rows.mean())
    reach = float(t.ppf(0.975, len(rows) - 1)) * float(rows.std(ddof=1)) / float(np.sqrt(len(rows)))
    interval = (mean - reach, mean + reach) if reach > 0 else None
    return Estimate(
        name=name, key=f"{grouping.name}={grouping.names[place]}", value=mean, n=len(rows), interval=interval
    )
