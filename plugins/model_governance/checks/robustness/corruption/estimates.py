"""Losses by corruption, each a paired difference against the clean predictions of the same rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from model_governance.contract.result import Estimate
from model_governance.stats.intervals import CONFIDENCE, paired_shares
from model_governance.stats.limits import ExactShare

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from model_governance.checks.robustness.corruption.evaluation import Evaluation
    from model_governance.checks.robustness.corruption.sweep import Sweep, SweepPoint


def estimates_of(evaluation: Evaluation, sweep: Sweep) -> list[Estimate]:
    """Everything that is measured on all rows of the sample."""
    estimates = _clean(evaluation)
    for point in sweep.grid:
        estimates.append(_score(evaluation, point))
        estimates.append(drop_of(evaluation, point, name="drop", key=point.label))
    for severity in sorted({point.severity for point in sweep.grid}):
        same = [point for point in sweep.grid if point.severity == severity]
        estimates.append(_worst(evaluation, same, name="worst_drop", key=str(severity)))
    estimates.append(mean_drop(evaluation, sweep.grid, name="mean_drop"))
    for column in dict.fromkeys(point.column for point in sweep.columns):
        of_column = [point for point in sweep.columns if point.column == column]
        estimates.append(_worst(evaluation, of_column, name="column_drop", key=column))
    for kind in dict.fromkeys(point.corruption for point in sweep.grid):
        estimates.append(_refused([point for point in sweep.grid if point.corruption == kind][-1]))
    return estimates


def mean_drop(
    evaluation: Evaluation,
    points: Sequence[SweepPoint],
    *,
    name: str,
    key: str | None = None,
    rows: np.ndarray | None = None,
) -> Estimate:
    """Loss averaged over kinds and severities, as in Hendrycks and Dietterich (2019), with Student's t over rows."""
    import numpy as np

    clean = evaluation.costs(evaluation.clean)
    losses = np.mean([point.outcomes.costs - clean for point in points], axis=0)
    losses = losses if rows is None else losses[rows]
    return _of_rows(losses, name=name, key=key, detail=f"{len(points)} kinds and severities")


def drop_of(evaluation: Evaluation, point: SweepPoint, *, name: str, key: str | None, tests: int = 1) -> Estimate:
    """The loss at one point; the interval is widened so that `tests` of them hold together.

    Shares take the score interval of Tango (1998), numbers Student's t; for several tests the distance to
    each limit grows by the ratio of the normal quantiles (Bonferroni).
    """
    clean, corrupted = evaluation.costs(evaluation.clean), point.outcomes.costs
    if not evaluation.classes:
        return _of_rows(corrupted - clean, name=name, key=key, tests=tests)
    worse, better = int((corrupted > clean).sum()), int((corrupted < clean).sum())
    low, high = paired_shares(worse, better, evaluation.n)
    value, widening = (worse - better) / evaluation.n, _widening(tests)
    interval = max(-1.0, value - widening * (value - low)), min(1.0, value + widening * (high - value))
    detail = f"{worse:,} rows lost, {better:,} gained"
    return Estimate(name=name, value=value, n=evaluation.n, interval=interval, key=key, detail=detail)


def _worst(evaluation: Evaluation, points: Sequence[SweepPoint], *, name: str, key: str | None) -> Estimate:
    """The largest of several losses; its interval holds for the largest true one, whichever that is."""
    drops = [(point, drop_of(evaluation, point, name=name, key=key, tests=len(points))) for point in points]
    point, worst = max(drops, key=lambda pair: float(pair[1].value or 0.0))
    limits = [drop.interval for _, drop in drops if drop.interval is not None]
    interval = (max(low for low, _ in limits), max(high for _, high in limits)) if len(limits) == len(drops) else None
    refused = " (refused)" if point.outcomes.refused.any() else ""
    return Estimate(
        name=name,
        value=worst.value,
        n=evaluation.n,
        interval=interval,
        key=key,
        detail=f"{point.variant or point.corruption}{refused}",
    )


def _clean(evaluation: Evaluation) -> list[Estimate]:
    if evaluation.measure == "accuracy":
        right = int((evaluation.clean == evaluation.truth).sum())
        return [
            Estimate(
                name="clean_accuracy",
                value=right / evaluation.n,
                n=evaluation.n,
                limits=ExactShare(successes=float(right), n=float(evaluation.n)),
            )
        ]
    if evaluation.measure == "mae":
        return [_in_units(evaluation, _of_rows(evaluation.costs(evaluation.clean), name="clean_mae"))]
    return []


def _score(evaluation: Evaluation, point: SweepPoint) -> Estimate:
    if evaluation.classes:
        right = evaluation.n - int(point.outcomes.costs.sum())
        limits = ExactShare(successes=float(right), n=float(evaluation.n))
        return Estimate(
            name=evaluation.measure, value=right / evaluation.n, n=evaluation.n, limits=limits, key=point.label
        )
    return _in_units(evaluation, _of_rows(point.outcomes.costs, name=evaluation.measure, key=point.label))


def _refused(point: SweepPoint) -> Estimate:
    """Of the rows with this corruption, those without a prediction; at the highest severity, whose rows include all others."""
    hit, refused = int(point.affected.sum()), int((point.outcomes.refused & point.affected).sum())
    if hit == 0:
        reason = "no row was corrupted"
        return Estimate(name="refused_share", value=None, n=0, key=point.corruption, reason=reason, absence="uncertain")
    return Estimate(
        name="refused_share",
        value=refused / hit,
        n=hit,
        key=point.corruption,
        limits=ExactShare(successes=float(refused), n=float(hit)),
    )


def _of_rows(values: np.ndarray, *, name: str, key: str | None = None, detail: str = "", tests: int = 1) -> Estimate:
    """A mean over rows with Student's t interval; none where every row has the same value."""
    from scipy.stats import t

    n, value = len(values), float(values.mean())
    reach = 0.0
    if n > 1:
        level = (1 - CONFIDENCE) / (2 * tests)
        reach = float(t.ppf(1 - level, n - 1)) * float(values.std(ddof=1)) / math.sqrt(n)
    interval = (value - reach, value + reach) if reach > 0 else None
    return Estimate(
        name=name, value=value, n=n, interval=interval, key=key, detail=detail or ("" if reach else "same on every row")
    )


def _in_units(evaluation: Evaluation, estimate: Estimate) -> Estimate:
    from dataclasses import replace

    interval = (
        None
        if estimate.interval is None
        else (estimate.interval[0] * evaluation.scale, estimate.interval[1] * evaluation.scale)
    )
    return replace(estimate, value=float(estimate.value or 0.0) * evaluation.scale, interval=interval)


def _widening(tests: int) -> float:
    from statistics import NormalDist

    tail = (1 - CONFIDENCE) / 2
    return NormalDist().inv_cdf(1 - tail / tests) / NormalDist().inv_cdf(1 - tail)
