"""The two bounds at which the outcome of a measured run changes: from pass to uncertain, and from uncertain to fail.

They are read from what the verdict compares with a bound (`measurement_of`), so that one pair of numbers answers for
every bound; a test judges random results on both sides of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.stats.limits import TAIL
from model_governance.stats.multiplicity import adjusted
from model_governance.verdict.measurement import measurement_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from model_governance.authoring.calibration.curve import Side
    from model_governance.contract.result import CheckResult, Metric
    from model_governance.policy import Threshold
    from model_governance.verdict import Baseline
    from model_governance.verdict.budget import Budget
    from model_governance.verdict.measurement import Measurement

UPPER = ("less_than", "leq_to")
LOWER = ("greater_than", "geq_to", "min_absolute_change", "min_relative_change")


@dataclass(frozen=True, slots=True, kw_only=True)
class Critical:
    """The bounds at which a run stops to pass and begins to fail.

    Numbers that must stay under a bound ("upper") pass above `passes` and fail at and below `fails`; numbers that
    must reach it pass at and below `passes` and fail above `fails`. Infinite where no bound passes, or fails.
    """

    passes: float
    fails: float


def side_of(threshold: Threshold) -> Side | None:
    """Whether numbers must stay under the bound or reach it; None for conditions with no single bound to move."""
    if threshold.condition in UPPER:
        return "upper"
    return "lower" if threshold.condition in LOWER else None


def judged_metrics(result: CheckResult, threshold: Threshold) -> list[Metric]:
    """The metrics of a result that a threshold judges: all keys where it names none."""
    return [
        metric for metric in result.metrics
        if metric.name == threshold.metric and threshold.key in (None, metric.key)
    ]  # fmt: skip


def critical_bounds(
    metrics: Sequence[Metric], threshold: Threshold, *, budget: Budget, baselines: Mapping[str, Baseline] = {}
) -> Critical:
    """The critical bounds of one threshold over the metrics that it judges; those of the worst key.

    Args:
        metrics: of one result, of the threshold's name and key.
        threshold: on a value with one bound, or on a change; its own bound does not count.
        budget: of the policy, with this threshold.
        baselines: what a change is measured from, by label.
    """
    level, sign = budget.level_for(threshold), 1.0 if side_of(threshold) == "upper" else -1.0
    measured = [
        measurement_of(metric, threshold, baselines.get(metric.label), earlier=(), level=level / len(metrics))
        for metric in metrics
    ]
    judged = [measurement for measurement in measured if measurement.obstacle is None]
    scales = [_Scale(threshold=threshold, measurement=measurement, sign=sign) for measurement in judged]
    fails = _fails(scales, budget=budget, level=level)
    hidden = any(measurement.obstacle is not None and measurement.obstacle[0] != "skipped" for measurement in measured)
    few = any(scale.too_few for scale in scales)
    passes = math.inf if hidden or few or not scales else max(scale.passes for scale in scales)
    return Critical(passes=sign * passes, fails=sign * fails)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    """One measurement in terms of its bound, mirrored so that larger numbers are always the worse ones."""

    threshold: Threshold
    measurement: Measurement
    sign: float

    @property
    def too_few(self) -> bool:
        """Whether the rows are fewer than the threshold asks for: uncertain under any bound."""
        return self.measurement.metric.n < self.threshold.minimum_rows

    @property
    def passes(self) -> float:
        """The bound at which the number, or its whole 95% interval, is allowed."""
        limits, value = self.measurement.limits, self.measurement.value
        if limits is None:
            return self.bound(value)
        return self.bound(limits.high(TAIL) if self._worse_is_higher else limits.low(TAIL))

    def fails(self, tail: float) -> float:
        """The bound at which the limit at this level, and the 95% interval, lie beyond."""
        limits = self.measurement.limits
        if limits is None:
            return self.bound(self.measurement.value)
        tail = min(tail, TAIL)
        return self.bound(limits.low(tail) if self._worse_is_higher else limits.high(tail))

    @property
    def _worse_is_higher(self) -> bool:
        if self.threshold.is_change:
            return self.measurement.metric.better != "higher"
        return self.sign > 0

    def bound(self, number: float) -> float:
        """The bound that allows this number just so: tolerance, unit and direction of a change taken back."""
        if self.threshold.is_change:
            base = self.measurement.baseline
            unit = abs(base.value) if base is not None and self.threshold.condition == "min_relative_change" else 1.0
            number = (number if self.measurement.metric.better == "higher" else -number) / unit
        mirrored = self.sign * number
        slack = self.threshold.tolerance if number * self.sign >= 0 else -self.threshold.tolerance
        bound = mirrored / (1 + slack)
        # The next number inside: a bound that is met is allowed, or not, as the condition says.
        closed = self.threshold.condition not in ("less_than", "greater_than")
        below = self.sign > 0 and closed
        above = self.sign < 0 and not closed
        return math.nextafter(bound, -math.inf) if below else math.nextafter(bound, math.inf) if above else bound


def _fails(scales: Sequence[_Scale], *, budget: Budget, level: float) -> float:
    """The least strict bound that fails a key, at the level as the keys share it (mirrored)."""
    judged = [scale for scale in scales if not scale.too_few]
    certain = [scale for scale in judged if scale.measurement.limits is None and scale.measurement.p_value is None]
    beyond = [scale.fails(level) for scale in certain]
    proven = [scale for scale in judged if scale.measurement.p_value is not None and scale.measurement.limits is None]
    p_values = adjusted([float(scale.measurement.p_value or 0) for scale in proven], budget.adjust)
    beyond += [scale.fails(level) for scale, p_value in zip(proven, p_values, strict=True) if p_value <= level]
    limited = [scale for scale in judged if scale.measurement.limits is not None]
    beyond += _limits_beyond(limited, budget=budget, level=level, keys=len(limited))
    return max(beyond, default=-math.inf)


def _limits_beyond(scales: Sequence[_Scale], *, budget: Budget, level: float, keys: int) -> list[float]:
    """Bonferroni: the limit at level / keys. Benjamini and Hochberg: the k-th largest limit at k x level / keys."""
    if not scales:
        return []
    if budget.adjust == "bonferroni":
        return [scale.fails(level / keys) for scale in scales]
    loosest = sorted((scale.fails(level) for scale in scales), reverse=True)
    beyond = [max(scale.fails(level / keys) for scale in scales)]
    for rank in range(2, keys + 1):
        if loosest[rank - 1] > max(beyond):
            limits = sorted((scale.fails(rank * level / keys) for scale in scales), reverse=True)
            beyond.append(limits[rank - 1])
    return beyond
