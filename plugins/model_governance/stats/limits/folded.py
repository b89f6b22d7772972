"""Limits of the distance between two numbers whose order is not known beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.stats.limits.confidence import TAIL, quantile_of, tail_of

if TYPE_CHECKING:
    from collections.abc import Callable

NEGLIGIBLE = 1e-3
WIDER_TAIL = 0.16
STEPS = 30


def folded_low(low: Callable[[float], float], tail: float) -> float:
    """Lower limit of a distance, from the lower limits of the signed difference in its observed direction.

    A distance as large comes from either direction, so that both count in its p-value; where the bound is many standard
    errors away from 0, only one of them does. The chance of the other one is that of a normal error.

    Args:
        low: lower limit of the signed difference at a tail, oriented so that its estimate is at least 0.
        tail: chance that the truth lies below, 0 to 0.5.

    Returns:
        A number of at least 0.
    """
    farthest = low(tail)
    if farthest <= 0:
        return 0.0
    steps = quantile_of(TAIL) - quantile_of(WIDER_TAIL)
    unit = (low(WIDER_TAIL) - low(TAIL)) / steps
    if unit <= 0:
        return farthest
    value = low(TAIL) + quantile_of(TAIL) * unit
    if tail_of((value + farthest) / unit) < NEGLIGIBLE * tail:
        return farthest
    nearest = 0.0
    for _ in range(STEPS):
        middle = (nearest + farthest) / 2
        rest = tail - tail_of((value + middle) / unit)
        excluded = rest > 0 and low(rest) > middle
        nearest, farthest = (middle, farthest) if excluded else (nearest, middle)
    return nearest
