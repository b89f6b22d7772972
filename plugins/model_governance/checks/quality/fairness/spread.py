"""How far groups lie apart: the largest minus the smallest of several estimates, with an interval that is not fooled.

The largest of several noisy numbers lies too high and the smallest too low, so the range of k groups is above 0
where all are equal, and a percentile bootstrap doubles that bias. The interval is therefore found by inverting a
test: the observed groups are moved towards their common mean, or away from it, by one factor; the limits are the
ranges at which a simulated night would just still show at least (at most) the observed one. Two shares
have a closed form, Newcombe's (1998, method 10).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.stats.intervals import CONFIDENCE, newcombe

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

Interval = tuple[float, float]

TAIL = (1 - CONFIDENCE) / 2
# How the groups lie between the extremes is itself seen with noise; a thinner tail pays for it (tested by simulation).
SHAPE_TAIL = 0.018
STEPS = 20
FEW_EXPECTED = 5
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

    def moved(self, factor: float) -> np.ndarray:
        """Shares (k,) at that many times their distance from the share of all rows."""
        import numpy as np

        centre = self.successes.sum() / self.rows.sum()
        away = self.observed - centre
        if np.ptp(away) < 1e-12:
            away = _apart(len(away)) * math.sqrt(max(centre * (1 - centre), 1 / self.rows.sum()) / self.rows.mean())
        return np.clip(centre + factor * away, 0.0, 1.0)

    def simulated(self, factor: float, noise: np.ndarray) -> np.ndarray:
        """Shares that nights would show there (nights, k): the arcsine root has the same variance everywhere."""
        import numpy as np

        angle = np.arcsin(np.sqrt(self.moved(factor))) + noise / (2 * np.sqrt(self.rows))
        return np.sin(np.clip(angle, 0, np.pi / 2)) ** 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """Means of k groups (k,) and their standard errors (k,)."""

    observed: np.ndarray
    errors: np.ndarray

    def moved(self, factor: float) -> np.ndarray:
        """Means (k,) at that many times their distance from their mean, each weighed by its precision."""
        import numpy as np

        weight = 1 / np.maximum(self.errors, 1e-300) ** 2
        centre = float((weight * self.observed).sum() / weight.sum())
        away = self.observed - centre
        if np.ptp(away) <= 1e-12 * max(1.0, abs(centre)):
            away = _apart(len(away)) * float(self.errors.mean())
        return centre + factor * away

    def simulated(self, factor: float, noise: np.ndarray) -> np.ndarray:
        """Means that nights would show there (nights, k)."""
        return self.moved(factor) + noise * self.errors


def _apart(count: int) -> np.ndarray:
    """A direction to move equal groups in: half of them up, half of them down."""
    import numpy as np

    return np.where(np.arange(count) % 2 == 0, 1.0, -1.0)


def gap(values: np.ndarray) -> np.ndarray:
    """Largest minus smallest along the last axis."""
    return values.max(axis=-1) - values.min(axis=-1)


def shortfall(values: np.ndarray) -> np.ndarray:
    """1 minus smallest over largest along the last axis; 0 where all are 0."""
    import numpy as np

    largest = values.max(axis=-1)
    return 1 - np.where(largest > 0, values.min(axis=-1) / np.where(largest > 0, largest, 1.0), 1.0)


def spread_interval(
    families: Sequence[Shares | Means], statistic: Callable[[np.ndarray], np.ndarray], *, seed: int, resamples: int
) -> Interval:
    """Limits of the statistic, which grows with distance; of several families the largest value counts."""
    import numpy as np

    generator = np.random.default_rng(seed)
    noises = [generator.standard_normal((resamples, len(one.observed))) for one in families]
    # Rounding must not tell a simulated 0 from an observed one.
    seen = float(max(statistic(one.observed) for one in families))

    def shown(factor: float) -> np.ndarray:
        parts = [statistic(one.simulated(factor, noise)) for one, noise in zip(families, noises, strict=True)]
        return np.max(parts, axis=0)

    def true(factor: float) -> float:
        return float(max(statistic(one.moved(factor)) for one in families))

    low = _crossing(lambda factor: float((shown(factor) >= seen - 1e-12).mean()) >= SHAPE_TAIL)
    high = _crossing(lambda factor: float((shown(factor) <= seen + 1e-12).mean()) < SHAPE_TAIL)
    return min(true(low), seen), max(true(high), seen)


def _crossing(reached: Callable[[float], bool]) -> float:
    """The least factor from which on `reached` holds (it holds for all larger ones), found by halving."""
    if reached(0.0):
        return 0.0
    low, high = 0.0, 1.0
    while not reached(high) and high < 1e6:
        low, high = high, 2 * high
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


def difference_interval(shares: Shares, *, seed: int, resamples: int) -> Interval:
    """Limits of the largest minus the smallest share."""
    if len(shares.rows) > 2:
        return spread_interval([shares], gap, seed=seed, resamples=resamples)
    low, high = newcombe(*((int(hits), int(n)) for hits, n in zip(shares.successes, shares.rows, strict=True)))
    if low <= 0 <= high:
        return 0.0, max(-low, high)
    return (low, high) if low > 0 else (-high, -low)


def equal_shares_p_value(shares: Shares, *, seed: int) -> float:
    """Evidence that the groups differ: Pearson's chi-square, by seeded permutation where few are expected."""
    import numpy as np
    from scipy.stats import chi2

    successes, rows = shares.successes.astype(np.int64), shares.rows.astype(np.int64)
    share = successes.sum() / rows.sum()
    if share in (0, 1):
        return 1.0

    def distance(counts: np.ndarray) -> np.ndarray:
        return ((counts - rows * share) ** 2 / (rows * share * (1 - share))).sum(axis=-1)

    seen = float(distance(successes))
    if (rows * min(share, 1 - share)).min() >= FEW_EXPECTED:
        return float(chi2.sf(seen, len(rows) - 1))
    drawn = np.random.default_rng(seed).multivariate_hypergeometric(rows, int(successes.sum()), size=PERMUTATIONS)
    return float((1 + (distance(drawn) >= seen - 1e-9).sum()) / (PERMUTATIONS + 1))


def equal_means_p_value(groups: Sequence[np.ndarray]) -> float | None:
    """Evidence that the means of groups differ: Welch's (1951) analysis of variance; none where a group is constant."""
    import numpy as np
    from scipy.stats import f_oneway

    if min(float(np.ptp(one)) for one in groups) == 0:
        return None
    return float(f_oneway(*groups, equal_var=False).pvalue)
