"""Limits of an estimate from its standard error, on the scale that keeps them where the number can lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.stats.intervals import CONFIDENCE, on_scale

if TYPE_CHECKING:
    from collections.abc import Callable

    from model_governance.stats.intervals import Scale

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A number and its standard error; `n` rows stand behind it."""

    name: str
    value: float
    error: float
    n: int


def limits(value: float, error: float, scale: Scale = "plain") -> Interval | None:
    """Normal 95% limits from a standard error, on the scale of `on_scale`; none where nothing varies."""
    from scipy.stats import norm

    return on_scale(value, float(norm.ppf((1 + CONFIDENCE) / 2)) * error, scale) if error > 0 else None


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
