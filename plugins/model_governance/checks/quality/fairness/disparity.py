"""Disparity of several groups: the difference or ratio of the largest and the smallest estimate, with its interval.

The largest of several noisy estimates is biased upwards and the smallest downwards, so the range of k groups is
above 0 where all are equal, and a percentile bootstrap doubles that bias. The interval therefore inverts a test:
the observed groups are scaled towards or away from their common mean by a factor, samples are simulated there, and
the limits are the disparities at which a simulated sample is just as large (as small) as the observed one. Two
shares have a closed form, Newcombe's (1998, method 10).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.stats.intervals import newcombe

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

Interval = tuple[float, float]

# The pattern of the groups between the extremes is itself estimated; a tail below 0.025 pays for it (by simulation).
TAIL = 0.018
BISECTIONS = 20
MINIMUM_EXPECTED = 5
PERMUTATIONS = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """Shares of k groups: successes (k,) of rows (k,), all rows positive."""

    successes: np.ndarray
    rows: np.ndarray

    @property
    def observed(self) -> np.ndarray:
        """The shares (k,)."""
        return self.successes / self.rows

    def scaled(self, factor: float) -> np.ndarray:
        """Shares (k,) with their distance from the share of all rows multiplied by `factor`."""
        import numpy as np

        centre = self.successes.sum() / self.rows.sum()
        distance = self.observed - centre
        if np.ptp(distance) < 1e-12:
            unit = math.sqrt(max(centre * (1 - centre), 1 / self.rows.sum()) / self.rows.mean())
            distance = _alternating(len(distance)) * unit
        return np.clip(centre + factor * distance, 0.0, 1.0)

    def simulated(self, factor: float, noise: np.ndarray) -> np.ndarray:
        """Shares (resamples, k) of samples drawn from `scaled(factor)`, by standard normal noise of that shape.

        The arcsine square root has the same variance for every share.
        """
        import numpy as np

        angle = np.arcsin(np.sqrt(self.scaled(factor))) + noise / (2 * np.sqrt(self.rows))
        return np.sin(np.clip(angle, 0, np.pi / 2)) ** 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """Means of k groups (k,) and their standard errors (k,)."""

    observed: np.ndarray
    errors: np.ndarray

    def scaled(self, factor: float) -> np.ndarray:
        """Means (k,) with their distance from the precision-weighted mean multiplied by `factor`."""
        import numpy as np

        weight = 1 / np.maximum(self.errors, 1e-300) ** 2
        centre = float((weight * self.observed).sum() / weight.sum())
        distance = self.observed - centre
        if np.ptp(distance) <= 1e-12 * max(1.0, abs(centre)):
            distance = _alternating(len(distance)) * float(self.errors.mean())
        return centre + factor * distance

    def simulated(self, factor: float, noise: np.ndarray) -> np.ndarray:
        """Means (resamples, k) of samples drawn from `scaled(factor)`, by standard normal noise of that shape."""
        return self.scaled(factor) + noise * self.errors


def _alternating(count: int) -> np.ndarray:
    """Signs 1, -1, 1 ... of shape (count,): the direction in which equal groups are scaled."""
    import numpy as np

    return np.where(np.arange(count) % 2 == 0, 1.0, -1.0)


def difference(values: np.ndarray) -> np.ndarray:
    """Largest minus smallest along the last axis."""
    return values.max(axis=-1) - values.min(axis=-1)


def ratio_shortfall(values: np.ndarray) -> np.ndarray:
    """1 minus the ratio of smallest and largest along the last axis; 0 where all are 0."""
    import numpy as np

    largest = values.max(axis=-1)
    return 1 - np.where(largest > 0, values.min(axis=-1) / np.where(largest > 0, largest, 1.0), 1.0)


def disparity_interval(
    rates: Sequence[Shares | Means], statistic: Callable[[np.ndarray], np.ndarray], *, seed: int, resamples: int
) -> Interval:
    """95% interval of a disparity, by inverting a simulated test.

    Args:
        rates: One or several sets of groups; the largest disparity among them is the estimate.
        statistic: Maps values (..., k) to disparities (...), growing with the distance of the groups.
        seed: Seed of the simulation.
        resamples: Number of simulated samples.

    Returns:
        Lower and upper limit, which include the observed value.
    """
    import numpy as np

    generator = np.random.default_rng(seed)
    noises = [generator.standard_normal((resamples, len(rate.observed))) for rate in rates]
    observed = float(max(statistic(rate.observed) for rate in rates))

    def simulated(factor: float) -> np.ndarray:
        parts = [statistic(rate.simulated(factor, noise)) for rate, noise in zip(rates, noises, strict=True)]
        return np.max(parts, axis=0)

    def true(factor: float) -> float:
        return float(max(statistic(rate.scaled(factor)) for rate in rates))

    # A simulated 0 equals an observed 0 whatever the rounding.
    low = _smallest_factor(lambda factor: float((simulated(factor) >= observed - 1e-12).mean()) >= TAIL)
    high = _smallest_factor(lambda factor: float((simulated(factor) <= observed + 1e-12).mean()) < TAIL)
    return min(true(low), observed), max(true(high), observed)


def _smallest_factor(reached: Callable[[float], bool]) -> float:
    """The smallest factor from which on `reached` holds (it holds for all larger ones), found by bisection."""
    if reached(0.0):
        return 0.0
    low, high = 0.0, 1.0
    while not reached(high) and high < 1e6:
        low, high = high, 2 * high
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


def difference_interval(shares: Shares, *, seed: int, resamples: int) -> Interval:
    """95% interval of the largest minus the smallest share: Newcombe's for two groups, else by simulation."""
    if len(shares.rows) > 2:
        return disparity_interval([shares], difference, seed=seed, resamples=resamples)
    low, high = newcombe(*((int(hits), int(n)) for hits, n in zip(shares.successes, shares.rows, strict=True)))
    if low <= 0 <= high:
        return 0.0, max(-low, high)
    return (low, high) if low > 0 else (-high, -low)


def equal_shares_p_value(shares: Shares, *, seed: int) -> float:
    """P-value of equal shares: Pearson's chi-square test, by seeded permutation where few successes are expected.

    Returns:
        A probability between 0 and 1; 1 where no row or every row is a success.
    """
    import numpy as np
    from scipy.stats import chi2

    successes, rows = shares.successes.astype(np.int64), shares.rows.astype(np.int64)
    share = successes.sum() / rows.sum()
    if share in (0, 1):
        return 1.0

    def statistic(counts: np.ndarray) -> np.ndarray:
        return ((counts - rows * share) ** 2 / (rows * share * (1 - share))).sum(axis=-1)

    observed = float(statistic(successes))
    if (rows * min(share, 1 - share)).min() >= MINIMUM_EXPECTED:
        return float(chi2.sf(observed, len(rows) - 1))
    drawn = np.random.default_rng(seed).multivariate_hypergeometric(rows, int(successes.sum()), size=PERMUTATIONS)
    return float((1 + (statistic(drawn) >= observed - 1e-9).sum()) / (PERMUTATIONS + 1))


def equal_means_p_value(groups: Sequence[np.ndarray]) -> float | None:
    """P-value of equal means of groups, each (rows,): Welch's (1951) analysis of variance; None if one is constant."""
    import numpy as np
    from scipy.stats import f_oneway

    if min(float(np.ptp(group)) for group in groups) == 0:
        return None
    return float(f_oneway(*groups, equal_var=False).pvalue)
