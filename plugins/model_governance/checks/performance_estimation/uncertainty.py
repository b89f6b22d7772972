"""Limits of an estimate from its standard error, on the scale that keeps them where the number can lie."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.intervals import CONFIDENCE

if TYPE_CHECKING:
    from collections.abc import Callable

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A number and its standard error; `n` rows stand behind it."""

    name: str
    value: float
    error: float
    n: int


def share_interval(value: float, error: float) -> Interval | None:
    """Normal limits on the logit scale, inside 0 to 1; none where nothing varies or the share is 0 or 1."""
    from scipy.special import expit, logit

    if error <= 0 or not 0 < value < 1:
        return None
    reach = _z() * error / (value * (1 - value))
    return float(expit(logit(value) - reach)), float(expit(logit(value) + reach))


def size_interval(value: float, error: float) -> Interval | None:
    """Normal limits on the logarithmic scale, above 0; none where nothing varies or the size is 0."""
    if error <= 0 or value <= 0:
        return None
    reach = _z() * error / value
    return value * math.exp(-reach), value * math.exp(reach)


def plain_interval(value: float, error: float) -> Interval | None:
    """Normal limits; none where nothing varies."""
    return (value - _z() * error, value + _z() * error) if error > 0 else None


def rise_p_value(value: float, error: float) -> float:
    """How often a difference of at least this size is seen where there is none: one-sided, normal."""
    from scipy.stats import norm

    if error <= 0:
        return 0.0 if value > 0 else 1.0
    return float(norm.sf(value / error))


def change_p_value(value: float, error: float) -> float:
    """How often a difference this far from 0, either way, is seen where there is none: two-sided, normal."""
    from scipy.stats import norm

    if error <= 0:
        return 0.0 if value else 1.0
    return float(2 * norm.sf(abs(value) / error))


def spread(statistic: Callable[[int], float], count: int) -> float:
    """Standard deviation of a statistic over `count` refits."""
    import numpy as np

    return float(np.std([statistic(one) for one in range(count)], ddof=1))


def _z() -> float:
    from scipy.stats import norm

    return float(norm.ppf((1 + CONFIDENCE) / 2))
