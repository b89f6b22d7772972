"""Losses by dirt, each a paired difference against the clean answers of the same rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from model_governance.contract.result import Estimate
from model_governance.stats.intervals import CONFIDENCE, clopper_pearson, paired_shares

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from model_governance.checks.robustness.corruption.exam import Exam
    from model_governance.checks.robustness.corruption.survey import Probe, Survey


def estimates_of(exam: Exam, found: Survey) -> list[Estimate]:
    """Everything that is measured on all rows of the sample."""
    estimates = _clean(exam)
    for probe in found.grid:
        estimates.append(_score(exam, probe))
        estimates.append(drop_of(exam, probe, name="drop", key=probe.label))
    for severity in sorted({one.severity for one in found.grid}):
        same = [one for one in found.grid if one.severity == severity]
        estimates.append(_worst(exam, same, name="worst_drop", key=str(severity)))
    estimates.append(mean_drop(exam, found.grid, name="mean_drop"))
    for column in dict.fromkeys(one.column for one in found.columns):
        mine = [one for one in found.columns if one.column == column]
        estimates.append(_worst(exam, mine, name="column_drop", key=column))
    for kind in dict.fromkeys(one.corruption for one in found.grid):
        estimates.append(_refused([one for one in found.grid if one.corruption == kind][-1]))
    return estimates


def mean_drop(
    exam: Exam, probes: Sequence[Probe], *, name: str, key: str | None = None, rows: np.ndarray | None = None
) -> Estimate:
    """Loss averaged over kinds and severities, as in Hendrycks and Dietterich (2019), with Student's t over rows."""
    import numpy as np

    clean = exam.costs(exam.clean)
    losses = np.mean([one.answers.costs - clean for one in probes], axis=0)
    losses = losses if rows is None else losses[rows]
    return _of_rows(losses, name=name, key=key, detail=f"{len(probes)} kinds and severities")


def drop_of(exam: Exam, probe: Probe, *, name: str, key: str | None, tests: int = 1) -> Estimate:
    """What one probe costs; the interval is moved out so that `tests` of them hold together.

    Shares take the score interval of Tango (1998), numbers Student's t; for several tests the distance to
    each limit grows by the ratio of the normal quantiles (Bonferroni).
    """
    clean, dirty = exam.costs(exam.clean), probe.answers.costs
    if not exam.classes:
        return _of_rows(dirty - clean, name=name, key=key, tests=tests)
    worse, better = int((dirty > clean).sum()), int((dirty < clean).sum())
    low, high = paired_shares(worse, better, exam.n)
    value, wider = (worse - better) / exam.n, _wider(tests)
    interval = max(-1.0, value - wider * (value - low)), min(1.0, value + wider * (high - value))
    detail = f"{worse:,} rows lost, {better:,} gained"
    return Estimate(name=name, value=value, n=exam.n, interval=interval, key=key, detail=detail)


def _worst(exam: Exam, probes: Sequence[Probe], *, name: str, key: str | None) -> Estimate:
    """The largest of several losses; its interval holds for the largest true one, whichever that is."""
    drops = [(one, drop_of(exam, one, name=name, key=key, tests=len(probes))) for one in probes]
    probe, worst = max(drops, key=lambda pair: float(pair[1].value or 0.0))
    limits = [one.interval for _, one in drops if one.interval is not None]
    interval = (max(low for low, _ in limits), max(high for _, high in limits)) if len(limits) == len(drops) else None
    refused = " (refused)" if probe.answers.refused.any() else ""
    return Estimate(
        name=name,
        value=worst.value,
        n=exam.n,
        interval=interval,
        key=key,
        detail=f"{probe.how or probe.corruption}{refused}",
    )


def _clean(exam: Exam) -> list[Estimate]:
    if exam.measure == "accuracy":
        right = int((exam.clean == exam.truth).sum())
        return [
            Estimate(name="clean_accuracy", value=right / exam.n, n=exam.n, interval=clopper_pearson(right, exam.n))
        ]
    if exam.measure == "mae":
        return [_in_units(exam, _of_rows(exam.costs(exam.clean), name="clean_mae"))]
    return []


def _score(exam: Exam, probe: Probe) -> Estimate:
    if exam.classes:
        right = exam.n - int(probe.answers.costs.sum())
        interval = clopper_pearson(right, exam.n)
        return Estimate(name=exam.measure, value=right / exam.n, n=exam.n, interval=interval, key=probe.label)
    return _in_units(exam, _of_rows(probe.answers.costs, name=exam.measure, key=probe.label))


def _refused(probe: Probe) -> Estimate:
    """Of the rows with this dirt, those without an answer; at the highest severity, whose rows include all others."""
    hit, refused = int(probe.touched.sum()), int((probe.answers.refused & probe.touched).sum())
    if hit == 0:
        return Estimate(
            name="refused_share", value=None, n=0, key=probe.corruption, reason="no row was hit by this dirt"
        )
    return Estimate(
        name="refused_share", value=refused / hit, n=hit, interval=clopper_pearson(refused, hit), key=probe.corruption
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


def _in_units(exam: Exam, one: Estimate) -> Estimate:
    from dataclasses import replace

    interval = None if one.interval is None else (one.interval[0] * exam.scale, one.interval[1] * exam.scale)
    return replace(one, value=float(one.value or 0.0) * exam.scale, interval=interval)


def _wider(tests: int) -> float:
    from statistics import NormalDist

    tail = (1 - CONFIDENCE) / 2
    return NormalDist().inv_cdf(1 - tail / tests) / NormalDist().inv_cdf(1 - tail)
