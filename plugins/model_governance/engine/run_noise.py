"""Noise between runs: how much more the counts of one more run vary than its rows alone explain."""

from __future__ import annotations

from typing import TYPE_CHECKING

from model_governance.engine.dependence import DesignEffect
from model_governance.stats.overdispersion import LEAST_RUNS

if TYPE_CHECKING:
    import numpy as np

NOTABLE = 0.05
"""p-value of equal runs, shared by the directions that are tested, from which their spread is no chance."""
RARE = 1e-4
"""Level at which the few runs behind an estimate are covered by Student's t."""
MOST_MEMORY = 0.8


def noise_between_runs(counts: np.ndarray, *, in_order: bool) -> DesignEffect:
    """What earlier runs say about one more run of a column.

    Effects of days, feeds or seasons move a column in one direction: its level, where cells have an order, or one of
    its cells. Each direction is tested for a spread between runs beyond that of independent rows; the largest is taken
    for the noise, and is raised for the number of runs behind it, which runs that resemble the run before make fewer
    (their lag-one correlation). What remains of the spread is put on the other directions.

    Args:
        counts: rows per cell of each run, oldest first, shape (runs, cells).
        in_order: whether cells have an order.

    Returns:
        The generalised design effects of one more run; none below ten runs or two cells, or where chance explains them.
    """
    import numpy as np
    from scipy.stats import chi2

    counts = np.asarray(counts, dtype=float)
    counts = counts[counts.sum(axis=1) > 0]
    counts = counts[:, counts.sum(axis=0) > 0]
    runs, cells = counts.shape
    if runs < LEAST_RUNS or cells < 2:
        return DesignEffect()
    spreads = [_spread(counts, direction) for direction in _directions(counts, in_order=in_order)]
    factors = [max(factor, factor * _few_runs(means)) for factor, means in spreads]
    notable = NOTABLE / len(spreads)
    found = [
        (wide, factor)
        for wide, (factor, _) in zip(factors, spreads, strict=True)
        if chi2.sf(factor * (runs - 1), runs - 1) <= notable
    ]
    if not found:
        return DesignEffect()
    largest, own = max(found)
    freedom = cells - 1
    others = max(1.0, (_total(counts) * freedom - own) / (freedom - 1)) if freedom > 1 else 1.0
    mean = (largest + (freedom - 1) * others) / freedom
    squares = (largest**2 + (freedom - 1) * others**2) / freedom
    return DesignEffect(mean=mean, unevenness=max(0.0, squares / mean**2 - 1), largest=max(largest, others))


def _directions(counts: np.ndarray, *, in_order: bool) -> list[np.ndarray]:
    """Scores of the cells: their ranks where they have an order, and each of the larger cells against all others."""
    import numpy as np

    shares = counts.sum(axis=0) / counts.sum()
    directions = [np.cumsum(shares) - shares / 2] if in_order else []
    larger = np.argsort(-shares, kind="stable")[: min(len(shares), MAX_DIRECTIONS)]
    return directions + [(np.arange(len(shares)) == cell).astype(float) for cell in larger]


MAX_DIRECTIONS = 12


def _spread(counts: np.ndarray, scores: np.ndarray) -> tuple[float, np.ndarray]:
    """Variance of the mean score between runs over that of independent rows, and the mean scores, shape (runs,)."""
    import numpy as np

    rows = counts.sum(axis=1)
    means = counts @ scores / rows
    shares = counts.sum(axis=0) / counts.sum()
    centre = float(shares @ scores)
    variance = float(shares @ (scores - centre) ** 2)
    if variance <= 0:
        return 0.0, means
    return float((rows * (means - centre) ** 2).sum()) / variance / (len(rows) - 1), np.asarray(means)


def _few_runs(means: np.ndarray) -> float:
    """The factor on an estimated variance that covers how few independent runs it comes from."""
    from scipy.stats import norm, t

    deviations = means - means.mean()
    squares = float((deviations**2).sum())
    if squares <= 0:
        return 1.0
    memory = min(MOST_MEMORY, max(0.0, float((deviations[1:] * deviations[:-1]).sum()) / squares))
    independent = max(3.0, len(means) * (1 - memory**2) / (1 + memory**2))
    # Runs that resemble the run before stay closer to their mean than their variance: that of the mean itself is added.
    drawn_in = 1 / max(0.2, 1 - (1 + memory) / (1 - memory) / len(means))
    return drawn_in * float(t.isf(RARE, independent - 1) / norm.isf(RARE)) ** 2


def _total(counts: np.ndarray) -> float:
    """Pearson's statistic of equal runs over its degrees of freedom, at least 1."""
    import numpy as np

    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    freedom = (counts.shape[0] - 1) * (counts.shape[1] - 1)
    return max(1.0, float(((counts - expected) ** 2 / expected).sum()) / freedom)
