"""Noise between runs: how much more the counts of one more run vary than its rows alone explain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_governance.engine.dependence import DesignEffect
from model_governance.stats.overdispersion import LEAST_RUNS
from model_governance.stats.shrinkage import VarianceRatios, predictive_factors

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

NOTABLE = 0.05
"""p-value from which what varies beside the noisiest direction is no chance."""
RARE = 1e-5
"""Level at which the few runs behind an estimate are covered: that of one of fifty columns."""
MOST_MEMORY = 0.8
LEAST_FREEDOM = 2.0
MAX_DIRECTIONS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spread:
    """How much a column varied between runs.

    Attributes:
        ratios: variance of the mean score of each direction over that of independent rows, shape (directions,).
        weights: prior probability of each direction.
        peaks: excess kurtosis of the mean scores of one run; large where a run has hardly any row in a cell.
        total: Pearson's statistic of equal runs over its degrees of freedom.
        memory: lag-one correlation in the direction of the largest ratio, corrected for its bias.
        runs: their number.
        freedom: cells less one.
    """

    ratios: np.ndarray
    weights: np.ndarray
    peaks: np.ndarray
    total: float
    memory: float
    runs: int
    freedom: int


def noise_between_runs(columns: Sequence[np.ndarray], *, in_order: Sequence[bool]) -> list[DesignEffect]:
    """What earlier runs say about one more run of each column of a check.

    Effects of days, feeds or seasons move a column in one direction: its level, where cells have an order, or one of
    its cells. In each direction the variance between runs is compared with that of independent rows. Runs that resemble the run
    before say less, by their lag-one correlation, which is drawn towards the mean over columns (James and Stein, 1961);
    and they stay closer to their own mean than to the true one, which is corrected. The factor on the variance in the
    noisiest direction follows from the posterior of all columns together (`predictive_factors`). What varies beside it
    counts for the other directions where it is no chance.

    Args:
        columns: rows per cell of each run, oldest first, of shape (runs, cells) each.
        in_order: whether cells have an order, for each column.

    Returns:
        The generalised design effects of one more run of each column; none below ten runs or two cells.
    """
    found = [_spread(counts, in_order=order) for counts, order in zip(columns, in_order, strict=True)]
    spreads = [spread for spread in found if spread is not None]
    effects = iter(_effects(spreads))
    return [DesignEffect() if spread is None else next(effects) for spread in found]


def _effects(spreads: Sequence[_Spread]) -> list[DesignEffect]:
    memories = _memories(spreads)
    ratios = [_variance_ratios(spread, memory) for spread, memory in zip(spreads, memories, strict=True)]
    largest = predictive_factors(ratios, tail=RARE)
    return [
        _design_effect(spread, float(factor), runs=_independent_runs(spread.runs, memory))
        for spread, factor, memory in zip(spreads, largest, memories, strict=True)
    ]


def _design_effect(spread: _Spread, largest: float, *, runs: float) -> DesignEffect:
    from scipy.stats import chi2

    freedom, others = spread.freedom, 1.0
    if freedom > 1:
        left = max(0.0, spread.total * freedom - float(spread.ratios.max())) / (freedom - 1)
        degrees = (runs - 1) * (freedom - 1)
        others = max(1.0, left) if chi2.sf(left * degrees, degrees) <= NOTABLE else 1.0
    largest = max(largest, others)
    mean = (largest + (freedom - 1) * others) / freedom
    squares = (largest**2 + (freedom - 1) * others**2) / freedom
    return DesignEffect(mean=mean, unevenness=max(0.0, squares / mean**2 - 1), largest=largest, directions=freedom)


def _spread(counts: np.ndarray, *, in_order: bool) -> _Spread | None:
    """None below ten runs or two cells."""
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
    scaled = counts @ deviations / np.sqrt(rows)[:, None]
    ratios = (scaled**2).sum(axis=0) / variances / (runs - 1)
    peaks = (shares @ deviations**4 / variances**2 - 3) / rows.mean()
    return _Spread(
        ratios=ratios, weights=weights, peaks=np.maximum(peaks, 0.0), total=_total(counts),
        memory=_memory(scaled[:, int(ratios.argmax())]), runs=runs, freedom=cells - 1,
    )  # fmt: skip


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


def _memory(values: np.ndarray) -> float:
    """The lag-one correlation, which lies too low by (1 + 3 r) / runs (Marriott and Pope, 1954)."""
    deviations = values - values.mean()
    squares, runs = float((deviations**2).sum()), len(values)
    if squares <= 0:
        return 0.0
    return (float((deviations[1:] * deviations[:-1]).sum()) / squares * runs + 1) / (runs - 3)


def _memories(spreads: Sequence[_Spread]) -> list[float]:
    """The lag-one correlation of each column, drawn towards their mean as far as chance explains how they differ."""
    import numpy as np

    own = np.array([spread.memory for spread in spreads])
    chance = np.array([1 / spread.runs for spread in spreads])
    if len(own) > 1:
        apart = np.maximum(0.0, own.var(ddof=1) - chance)
        own = own.mean() + apart / (apart + chance) * (own - own.mean())
    return [float(memory) for memory in np.clip(own, 0.0, MOST_MEMORY)]


def _variance_ratios(spread: _Spread, memory: float) -> VarianceRatios:
    """What the ratios would be around the true mean, and how many degrees of freedom they have."""
    # The variance of the mean of runs that resemble the run before is what their variance around it lacks.
    drawn_in = max(0.2, 1 - ((1 + memory) / (1 - memory) - 1) / (spread.runs - 1))
    freedom = max(LEAST_FREEDOM, _independent_runs(spread.runs, memory) - 1)
    return VarianceRatios(
        ratios=spread.ratios / drawn_in, weights=spread.weights,
        freedoms=1 / (1 / freedom + spread.peaks / (2 * spread.runs)),
    )  # fmt: skip


def _independent_runs(runs: int, memory: float) -> float:
    """Independent runs whose variance would be estimated as well (Bayley and Hammersley, 1946)."""
    return max(LEAST_FREEDOM + 1, runs * (1 - memory**2) / (1 + memory**2))


def _total(counts: np.ndarray) -> float:
    """Pearson's statistic of equal runs over its degrees of freedom."""
    import numpy as np

    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    freedom = (counts.shape[0] - 1) * (counts.shape[1] - 1)
    return float(((counts - expected) ** 2 / expected).sum()) / freedom
