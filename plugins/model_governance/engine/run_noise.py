"""Noise between runs: how much more the counts of one more run vary than its rows alone explain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.engine.dependence import DesignEffect
from model_governance.stats.overdispersion import LEAST_RUNS
from model_governance.stats.run_effects import log_likelihoods, predictive_factors, run_effects

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

NOTABLE = 1.5
"""Smallest factor that is noise; three in four columns of independent rows, and nine in ten where there are ten, stay below."""
CHANCE = 0.05
"""p-value from which what varies beside the noisiest direction is no chance."""
RARE = 5e-6
"""Level of one side at which the few runs behind an estimate are covered: that of one of fifty columns."""
UNCHANGED = 0.9
"""Prior probability of a column without noise. Where many columns have some, they lower it together; a smaller one would widen
limits of independent runs, a larger one overlook the noise of a column alone."""
MAX_DIRECTIONS = 12
MOST_PEAKED = 0.5
"""Excess kurtosis beyond which counts say nothing of noise: that of two rows a run in a cell, whose own chance is larger than any
effect of a day on them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spread:
    """How much a column varied between runs.

    Attributes:
        scores: mean score of each run in each direction, in standard errors of independent rows, shape (directions, runs).
        weights: prior probability of each direction.
        peaks: excess kurtosis of the mean scores of one run; large where a run has hardly any row in a cell.
        total: Pearson's statistic of equal runs over its degrees of freedom.
        freedom: cells less one.
    """

    scores: np.ndarray
    weights: np.ndarray
    peaks: np.ndarray
    total: float
    freedom: int

    @property
    def runs(self) -> int:
        return int(self.scores.shape[1])

    @property
    def largest(self) -> float:
        """Variance between runs in the noisiest direction, over that of independent rows."""
        return float(self.scores.var(axis=1, ddof=1).max())


def noise_between_runs(columns: Sequence[np.ndarray], *, in_order: Sequence[bool]) -> list[DesignEffect]:
    """What earlier runs say about one more run of each column of a check.

    Effects of days, feeds or seasons move a column in one direction: its level, where cells have an order, or one of
    its cells. How likely each size and memory of such effects makes the mean scores of earlier runs follows from their
    restricted likelihood, averaged over the directions; the factor on the variance in the noisiest direction from the
    posterior of all columns together (`stats.run_effects`). What varies beside it counts for the other directions where
    it is no chance.

    Args:
        columns: rows per cell of each run, oldest first, of shape (runs, cells) each.
        in_order: whether cells have an order, for each column.

    Returns:
        The generalised design effects of one more run of each column; none below ten runs or two cells,
        or where runs have hardly any row in a cell.
    """
    found = [_spread(counts, in_order=order) for counts, order in zip(columns, in_order, strict=True)]
    spreads = [spread for spread in found if spread is not None]
    factors = iter(_largest_factors(spreads))
    return [DesignEffect() if spread is None else _design_effect(spread, next(factors)) for spread in found]


def _largest_factors(spreads: Sequence[_Spread]) -> list[float]:
    import numpy as np

    if not spreads:
        return []
    largest = max(spread.largest for spread in spreads)
    likelihoods = np.array([_likelihood(spread, largest=largest) for spread in spreads])
    effects = run_effects(largest, unchanged=UNCHANGED)
    return [float(factor) for factor in predictive_factors(likelihoods, effects, tail=RARE, notable=NOTABLE)]


def _likelihood(spread: _Spread, *, largest: float) -> np.ndarray:
    """Of each point of the grid, relative to the most likely one."""
    import numpy as np

    logarithms = log_likelihoods(spread.scores, largest=largest, removed="mean")
    # A variance of values with peaks is known as well as that of fewer normal ones.
    known = 1 / (1 + (spread.runs - 1) / spread.runs * spread.peaks / 2)
    logarithms = known[:, None] * logarithms + np.log(spread.weights)[:, None]
    return np.asarray(np.exp(logarithms - logarithms.max()).sum(axis=0))


def _design_effect(spread: _Spread, largest: float) -> DesignEffect:
    from scipy.stats import chi2

    freedom, others = spread.freedom, 1.0
    if freedom > 1:
        left = max(0.0, spread.total * freedom - spread.largest) / (freedom - 1)
        degrees = (spread.runs - 1) * (freedom - 1)
        others = max(1.0, left) if chi2.sf(left * degrees, degrees) <= CHANCE else 1.0
    largest = max(largest, others)
    mean = (largest + (freedom - 1) * others) / freedom
    squares = (largest**2 + (freedom - 1) * others**2) / freedom
    return DesignEffect(mean=mean, unevenness=max(0.0, squares / mean**2 - 1), largest=largest, directions=freedom)


def _spread(counts: np.ndarray, *, in_order: bool) -> _Spread | None:
    """None below ten runs or two cells, or where runs have hardly any row in a cell."""
    import numpy as np

    counts = np.asarray(counts, dtype=float)
    counts = counts[counts.sum(axis=1) > 0]
    counts = counts[:, counts.sum(axis=0) > 0]
    runs, cells = counts.shape
    if runs < LEAST_RUNS or cells < 2:
        return None
    rows, shares = counts.sum(axis=1), counts.sum(axis=0) / counts.sum()
    scores, weights = _directions(shares, in_order=in_order)
    deviations = scores - (shares @ scores)
    variances = shares @ deviations**2
    peaks = np.maximum((shares @ deviations**4 / variances**2 - 3) / rows.mean(), 0.0)
    told = peaks <= MOST_PEAKED
    if not told.any():
        return None
    means = (counts @ deviations / np.sqrt(variances) / np.sqrt(rows)[:, None]).T
    return _Spread(
        scores=means[told], weights=weights[told], peaks=peaks[told], total=_total(counts), freedom=cells - 1
    )


def _directions(shares: np.ndarray, *, in_order: bool) -> tuple[np.ndarray, np.ndarray]:
    """Scores of the cells, shape (cells, directions), and how likely each is to hold the noise.

    Ranks where cells have an order, with half of the probability, and each of the larger cells against all others.
    """
    import numpy as np

    larger = np.argsort(-shares, kind="stable")[:MAX_DIRECTIONS]
    single = (np.arange(len(shares))[:, None] == larger).astype(float)
    if not in_order:
        return single, np.full(len(larger), 1 / len(larger))
    ranks = np.cumsum(shares) - shares / 2
    return np.column_stack([ranks, single]), np.array([0.5, *np.full(len(larger), 0.5 / len(larger))])


def _total(counts: np.ndarray) -> float:
    """Pearson's statistic of equal runs over its degrees of freedom."""
    import numpy as np

    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    freedom = (counts.shape[0] - 1) * (counts.shape[1] - 1)
    return float(((counts - expected) ** 2 / expected).sum()) / freedom
