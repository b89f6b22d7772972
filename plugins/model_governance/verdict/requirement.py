"""What a threshold allows, and what a measurement says about it at any level."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from model_governance.stats.limits import MISSED, TAIL, Limits, Stretched

if TYPE_CHECKING:
    from model_governance.contract.result import Metric
    from model_governance.policy import Threshold

ROUNDING = 1e-9
"""Numbers of a policy are decimals and those of a computer binary: 0.82 - 0.80 exceeds 0.02 by 2e-17."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What a change is measured from: the value of a champion or of an earlier run, with its interval and limits."""

    value: float
    low: float | None = None
    high: float | None = None
    limits: Limits | None = None

    def record(self) -> dict[str, Any]:
        """The baseline as JSON types."""
        limits = None if self.limits is None else self.limits.record()
        return {"value": self.value, "low": self.low, "high": self.high, "limits": limits}


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """The values that a threshold allows: between `low` and `high`, ends included where they are closed."""

    low: float = -math.inf
    high: float = math.inf
    closed: bool = True

    def holds(self, value: float) -> bool:
        """Whether a value is allowed; a closed end is forgiving by a rounding error."""
        if not self.closed:
            return self.low < value < self.high
        slack = ROUNDING * max(1.0, *(abs(end) for end in (self.low, self.high) if math.isfinite(end)))
        return self.low - slack <= value <= self.high + slack


def allowed_by(threshold: Threshold) -> Allowed:
    """The range of a threshold on a value; its tolerance, a share of the bound, is included."""
    bound = threshold.bound
    if isinstance(bound, tuple):
        low, high = bound
        return Allowed(low=low - threshold.tolerance * abs(low), high=high + threshold.tolerance * abs(high))
    slack, condition = threshold.tolerance * abs(bound), threshold.condition
    if condition == "equal_to":
        return Allowed(low=bound - slack, high=bound + slack)
    if condition in ("greater_than", "geq_to"):
        return Allowed(low=bound - slack, closed=condition == "geq_to")
    return Allowed(high=bound + slack, closed=condition == "leq_to")


def allowed_change(threshold: Threshold, metric: Metric, base: Baseline) -> Allowed:
    """The range of a change, measured upwards: the metric less its baseline (`Change`)."""
    bound = threshold.bound[0] if isinstance(threshold.bound, tuple) else threshold.bound
    least = bound - threshold.tolerance * abs(bound)
    unit = abs(base.value) if threshold.condition == "min_relative_change" else 1.0
    return Allowed(low=least * unit) if metric.better == "higher" else Allowed(high=-least * unit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(Limits):
    """A metric less its baseline, each with limits of its own.

    Distances from the estimates to their limits are added in squares (method of variance estimates recovery, Zou and
    Donner, 2008): two runs, or two models in one run, each bring an error of their own.
    """

    family: ClassVar[str] = "change"
    value: float
    base_value: float
    own: Limits | None
    base: Limits | None

    def low(self, tail: float) -> float:
        """Lower limit of the change."""
        below = 0.0 if self.own is None else self.value - self.own.low(tail)
        above = 0.0 if self.base is None else self.base.high(tail) - self.base_value
        return self.value - self.base_value - math.hypot(below, above)

    def high(self, tail: float) -> float:
        """Upper limit of the change."""
        above = 0.0 if self.own is None else self.own.high(tail) - self.value
        below = 0.0 if self.base is None else self.base_value - self.base.low(tail)
        return self.value - self.base_value + math.hypot(above, below)

    def inflated(self, factor: float) -> Change:
        """Both with that many times the variance: both are runs."""
        own, base = (None if limits is None else limits.inflated(factor) for limits in (self.own, self.base))
        return Change(shared=self.shared, value=self.value, base_value=self.base_value, own=own, base=base)

    def detectable(self, bound: float, tail: float) -> float | None:
        """As if both limits kept their distances."""
        return bound + self.high(MISSED) - self.low(tail)


def limits_of(metric: Metric) -> Limits | None:
    """The limits of a metric: its own, else those of its 95% interval stretched; None where it has neither."""
    if metric.limits is not None:
        return metric.limits
    return stretched(metric.value, metric.low, metric.high)


def stretched(value: float | None, low: float | None, high: float | None) -> Limits | None:
    """Limits from a 95% interval; None where there is none."""
    if value is None or low is None or high is None:
        return None
    return Stretched(value=float(value), low95=float(low), high95=float(high))


def change_of(metric: Metric, base: Baseline) -> Change | None:
    """The change of a metric against its baseline; None where neither has an interval."""
    own, other = limits_of(metric), base.limits or stretched(base.value, base.low, base.high)
    if own is None and other is None:
        return None
    return Change(
        value=float(metric.value or 0), base_value=base.value, own=own, base=other, shared=_shared(own, other)
    )


def _shared(own: Limits | None, base: Limits | None) -> float:
    """Part of the variance of a change that stays as long as the baseline does."""
    widths = [0.0 if limits is None else (limits.high(TAIL) - limits.low(TAIL)) ** 2 for limits in (own, base)]
    return widths[1] / sum(widths) if sum(widths) > 0 else 0.0


def p_violated(limits: Limits, allowed: Allowed) -> float:
    """p-value of "the truth is allowed": small where it surely is not. Two sides share the level."""
    p_values = []
    if math.isfinite(allowed.high):
        p_values.append(limits.p_above(allowed.high))
    if math.isfinite(allowed.low):
        p_values.append(limits.p_below(allowed.low))
    return min(1.0, len(p_values) * min(p_values))


def surely_allowed(limits: Limits, allowed: Allowed) -> bool:
    """Whether the whole 95% interval is allowed."""
    return allowed.holds(limits.low(TAIL)) and allowed.holds(limits.high(TAIL))


def nearest_limit(limits: Limits, allowed: Allowed, *, value: float, tail: float) -> float:
    """The limit on the side of the allowed range, at a level: what must lie beyond the bound to fail."""
    above, below = value - allowed.high, allowed.low - value
    return limits.low(tail) if above >= below else limits.high(tail)


def detectable_beyond(limits: Limits, allowed: Allowed, *, tail: float) -> float | None:
    """The truth nearest to the allowed range that has its limit beyond the bound with probability 0.95.

    Of a range with two ends that above it.
    """
    if math.isfinite(allowed.high):
        return limits.detectable(allowed.high, tail)
    return limits.detectable_below(allowed.low, tail)
