"""Means of a regression model by group, and the differences between groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.checks.quality.fairness import figures, report
from model_governance.checks.quality.fairness.dependence import group_effects, labelled_effects
from model_governance.checks.quality.fairness.disparity import difference, equal_means_p_value, range_of_means
from model_governance.checks.quality.fairness.group_metrics import (
    GroupMetrics,
    absent_comparison,
    extremes,
    known_labels,
    predict_all,
    too_small_groups,
    unscored_share,
)
from model_governance.checks.quality.fairness.params import MINIMUM_CELL_ROWS
from model_governance.contract.result import Estimate
from model_governance.errors import CheckError, ModelMisbehaved
from model_governance.stats.limits import StudentT

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    import numpy as np

    from model_governance.checks.quality.fairness.groups import Grouping
    from model_governance.checks.quality.fairness.params import FairnessParams
    from model_governance.contract.dependence import Clusters
    from model_governance.contract.subject import Subject

Values = dict[str, "np.ndarray"]


def predict_errors(subject: Subject) -> tuple[Values, str]:
    """Predict current and compare with the labels that are known.

    Returns:
        Per metric its values (n,) in units of the target (prediction, error, absolute error; NaN without a
        label), and the reason why there are no labels (empty where there are some).

    Raises:
        CheckError: The targets are not finite numbers.
        SubjectError: As `feature_rows`.
        ModelMisbehaved: As `Model`.
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


def regression_metrics(
    values: Values,
    grouping: Grouping,
    *,
    clusters: Clusters,
    reason: str,
    params: FairnessParams,
    seed: int,
    named: Callable[[str], Collection[str]],
) -> GroupMetrics:
    """All metrics of one grouping; `reason` says why there are no labels (empty where there are some).

    `named` gives the keys of thresholds by metric, as `Subject.keys_named`.
    """
    import numpy as np

    scored = grouping.scored(params.minimum_group_rows)
    estimates = [unscored_share(grouping, scored)]
    means: dict[str, dict[int, float]] = {}
    effects: dict[str, float] = {}
    for name, all_values in values.items():
        missing = reason if name != "mean_prediction" else ""
        by_group = {} if missing else _by_group(all_values, grouping, scored)
        means[name] = {number: float(group.mean()) for number, group in by_group.items()}
        estimates.append(_difference(name, by_group, grouping, reason=missing, params=params, seed=seed))
        estimates += [_mean(name, number, group, grouping) for number, group in by_group.items()]
        if not missing:
            inside = np.bincount(grouping.number[~np.isnan(all_values)], minlength=len(grouping.names))
            estimates += too_small_groups(
                name, grouping, inside, compared=by_group, minimum=params.minimum_group_rows, named=named(name)
            )
        if clusters:
            known = ~np.isnan(all_values)
            rows = {number: np.flatnonzero(known & (grouping.number == number)) for number in by_group}
            effects |= labelled_effects(
                group_effects({number: (rows[number], by_group[number]) for number in by_group}, clusters),
                group=name, difference=f"{name}_gap", names=grouping.names, grouping=grouping.name,
            )  # fmt: skip
    return GroupMetrics(
        estimates=tuple(estimates),
        table=report.mean_table(grouping, means),
        figure=figures.means(grouping, means),
        effects=effects,
    )


def _by_group(values: np.ndarray, grouping: Grouping, scored: np.ndarray) -> dict[int, np.ndarray]:
    """Known values of each scored group that has enough of them, by group number."""
    import numpy as np

    known = ~np.isnan(values)
    by_group = {number: values[known & (grouping.number == number)] for number in scored.tolist()}
    return {number: group for number, group in by_group.items() if len(group) >= MINIMUM_CELL_ROWS}


def _difference(
    name: str, by_group: dict[int, np.ndarray], grouping: Grouping, *, reason: str, params: FairnessParams, seed: int
) -> Estimate:
    import numpy as np

    groups = list(by_group.values())
    n = sum(len(group) for group in groups)
    if reason or len(groups) < 2:
        return absent_comparison(f"{name}_gap", grouping, reason, n=n)
    means = np.array([group.mean() for group in groups])
    return Estimate(
        name=f"{name}_gap", key=grouping.name, value=float(difference(means)), n=n,
        limits=range_of_means(groups, seed=seed, resamples=params.resamples), p_value=equal_means_p_value(groups),
        detail=extremes([grouping.names[number] for number in by_group], means),
    )  # fmt: skip


def _mean(name: str, number: int, values: np.ndarray, grouping: Grouping) -> Estimate:
    mean, error = float(values.mean()), float(values.std(ddof=1)) / len(values) ** 0.5
    limits = StudentT(value=mean, error=error, freedom=len(values) - 1.0) if error > 0 else None
    return Estimate(
        name=name, key=f"{grouping.name}={grouping.names[number]}", value=mean, n=len(values), limits=limits
    )
