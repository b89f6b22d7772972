"""Intervals and p-values of an estimate from its standard error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.stats.intervals import CONFIDENCE, on_scale

if TYPE_CHECKING:
    from model_governance.stats.intervals import Scale
    from model_governance.stats.limits import Stretched

Interval = tuple[float, float]
NEAREST = 1e-12


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimated:
    """An estimated metric with its standard error, from n rows."""

    name: str
    value: float
    error: float
    n: int


def normal_interval(value: float, error: float, scale: Scale = "plain") -> Interval | None:
    """Normal 95% limits from a standard error, on the scale of `on_scale`; None where the error is 0."""
    from scipy.stats import norm

    return on_scale(value, float(norm.ppf((1 + CONFIDENCE) / 2)) * error, scale) if error > 0 else None


def normal_limits(value: float, error: float, scale: Scale = "plain") -> Stretched | None:
    """Normal limits at any level from a standard error; None where there is no interval."""
    from model_governance.stats.limits import Stretched

    interval = normal_interval(value, error, scale)
    if interval is None:
        return None
    low, high = interval
    if scale == "logit":
        # A share near 1 has an upper limit that rounds to 1, which has no logit.
        low, high = max(low, NEAREST), min(high, 1 - NEAREST)
    return Stretched(value=value, low95=low, high95=high, scale=scale)


def increase_p_value(value: float, error: float) -> float:
    """One-sided normal p-value of a difference `value` with standard error `error`, against no increase."""
    from scipy.stats import norm

    if error <= 0:
        return 0.0 if value > 0 else 1.0
    return float(norm.sf(value / error))


def change_p_value(value: float, error: float) -> float:
    """Two-sided normal p-value of a difference `value` with standard error `error`, against no difference."""
    from scipy.stats import norm

    if error <= 0:
        return 0.0 if value else 1.0
    return float(2 * norm.sf(abs(value) / error))
