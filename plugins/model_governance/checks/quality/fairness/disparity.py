"""Disparity of several groups: the difference of the largest and the smallest estimate, with its limits.

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

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    from model_governance.stats.limits import Limits

# The pattern of the groups between the extremes is itself estimated; tails below 0.025 and 0.5 pay for it (by simulation).
TAIL = 0.018
MIDDLE = 0.4
BISECTIONS = 20
MINIMUM_EXPECTED = 5
PERMUTATIONS = 100_000
NORMAL_95 = 1.959964
"""Standard errors from the estimate to the limit of a normal 95% interval."""


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


def simulated_limits(groups: Shares | Means, *, seed: int, resamples: int) -> tuple[float, float, float]:
    """Limits of the range of several groups, by inverting a simulated test.

    Args:
        groups: Estimates of two groups or more.
        seed: Seed of the simulation.
        resamples: Number of simulated samples.

    Returns:
        Lower 95% limit, estimate (as often too low as too high) and upper 95% limit of the range; the limits include the observed one.
    """
    import numpy as np

    noise = np.random.default_rng(seed).standard_normal((resamples, len(groups.observed)))
    observed = float(difference(groups.observed))

    def at_least(factor: float) -> float:
        # A simulated 0 equals an observed 0 whatever the rounding.
        return float((difference(groups.simulated(factor, noise)) >= observed - 1e-12).mean())

    def at_most(factor: float) -> float:
        return float((difference(groups.simulated(factor, noise)) <= observed + 1e-12).mean())

    def true(factor: float) -> float:
        return float(difference(groups.scaled(factor)))

    low = min(observed, true(_smallest_factor(lambda factor: at_least(factor) >= TAIL)))
    high = max(observed, true(_smallest_factor(lambda factor: at_most(factor) < TAIL)))
    middle = true(_smallest_factor(lambda factor: at_least(factor) >= MIDDLE))
    return low, min(max(middle, low), high), high


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


def range_of_shares(shares: Shares, *, seed: int, resamples: int) -> Limits:
    """Limits of the largest minus the smallest share: Newcombe's for two groups, else by simulation."""
    from model_governance.stats.limits import AbsoluteDifference, ExactShare, RangeOf

    counts = [(float(hits), float(rows)) for hits, rows in zip(shares.successes, shares.rows, strict=True)]
    if len(counts) == 2:
        return AbsoluteDifference(first=counts[0], second=counts[1])
    low, middle, high = simulated_limits(shares, seed=seed, resamples=resamples)
    return RangeOf(
        value=float(difference(shares.observed)), middle=middle, low95=low, high95=high,
        groups=tuple(ExactShare(successes=hits, n=rows) for hits, rows in counts),
    )  # fmt: skip


def range_of_means(groups: Sequence[np.ndarray], *, seed: int, resamples: int) -> Limits | None:
    """Limits of the largest minus the smallest mean of groups, each (rows,); None where one of them does not vary."""
    import numpy as np

    from model_governance.stats.limits import RangeOf, StudentT

    parts = [
        StudentT(value=float(group.mean()), error=float(group.std(ddof=1)) / math.sqrt(len(group)),
                 freedom=len(group) - 1.0)
        for group in groups
    ]  # fmt: skip
    if min(part.error for part in parts) <= 0:
        return None
    means = Means(
        observed=np.array([part.value for part in parts]),
        # As far as Student's t reaches: a standard error of few rows is itself uncertain.
        errors=np.array([(part.high(0.025) - part.value) / NORMAL_95 for part in parts]),
    )
    low, middle, high = simulated_limits(means, seed=seed, resamples=resamples)
    return RangeOf(value=float(difference(means.observed)), middle=middle, low95=low, high95=high, groups=tuple(parts))


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
