"""Sums of squares that vary more in one direction than in the others: a multiple of a chi-square variable with the same tail."""

from __future__ import annotations

import math
from functools import lru_cache

from model_governance.stats.limits import quantile_of

RARE = 1e-6
"""Tail that the multiple shares with the sum; at more common levels its own tail is then the heavier one."""
STEPS = 60


@lru_cache(maxsize=4096)
def tail_freedom(mean: float, largest: float, directions: int) -> float:
    """Degrees of freedom of the multiple of a chi-square variable that has the mean and the rare tail of a sum of squares.

    The sum is largest * z1^2 + rest * (z2^2 + ... + zk^2) of k normal deviates. Equal variances instead of equal tails
    (Satterthwaite, 1946) understate it where one direction stands out: with 5.4 times the variance in one of nine, a limit at
    0.00005 is missed by 0.0004 of runs.

    Args:
        mean: of the k variances, above 0.
        largest: of the k variances.
        directions: k, at least 1.

    Returns:
        Above 0, at most k; k where no direction stands out.
    """
    if directions < 2 or largest <= mean:
        return float(directions)
    from scipy.special import chdtri

    rest = max(directions * mean - largest, 0.0) / (directions - 1)
    wanted = _rare_quantile(largest, rest, directions - 1) / (directions * mean)
    low, high = 1e-3, float(directions)
    if float(chdtri(high, RARE)) / high >= wanted:
        return high
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if float(chdtri(middle, RARE)) / middle > wanted else (low, middle)
    return low


def _rare_quantile(largest: float, rest: float, others: int) -> float:
    """What largest * z^2 + rest * chi-square(others) exceeds with probability `RARE`.

    By the saddlepoint approximation (Lugannani and Rice, 1980; Kuonen, 1999), solved for the saddlepoint.
    """
    reached = quantile_of(RARE)
    low, high, quantile = 0.0, 0.5 / largest, 0.0
    for _ in range(STEPS):
        point = (low + high) / 2
        first, second = 1 - 2 * point * largest, 1 - 2 * point * rest
        quantile = largest / first + others * rest / second
        generating = -(math.log(first) + others * math.log(second)) / 2
        curvature = 2 * ((largest / first) ** 2 + others * (rest / second) ** 2)
        root = math.sqrt(max(2 * (point * quantile - generating), 1e-300))
        deviate = root + math.log(point * math.sqrt(curvature) / root) / root if root > 1e-3 else root
        low, high = (point, high) if deviate < reached else (low, point)
    return quantile
