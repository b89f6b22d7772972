"""Intervals of distances that are biased upwards near 0 (total variation, Kolmogorov-Smirnov), by inverting a test.

The observed change is scaled by t and simulated with the sampling noise of both datasets. The interval holds the true
distances t * observed under which the observed distance is not in a 2.5% tail, and the estimate is the one under which it
is the median. A plain bootstrap would add the bias a second time.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

from model_governance.engine.cells import filled_shares

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from model_governance.engine.cells import Table

DRAWS = 1000
STEPS = 12
MAX_NUMBERS = 50_000  # random numbers per table and dataset: tables of many cells get fewer draws
MIN_DRAWS = 200


def inverted(
    table: Table,
    distance: Callable[[np.ndarray], np.ndarray],
    *,
    seed: int,
    direction: np.ndarray | None = None,
    cumulative: bool = False,
) -> tuple[float, float, float]:
    """Median-unbiased estimate and 95% limits of a distance of two share vectors.

    Args:
        table: the rows of both datasets per cell, shape (cells,).
        distance: of differences of shares, shape (draws, cells), to shape (draws,); scales with them.
        seed: of the noise.
        direction: the change that is scaled, shape (cells,); by default the observed one.
        cumulative: `distance` takes cumulative sums of the differences over the cells.

    Returns:
        The estimate and the limits, each 0 to 1.
    """
    import numpy as np

    difference = table.current / table.m - table.reference / table.n
    shape = difference if direction is None else direction
    noise = _noise(table, seed)
    if cumulative:
        difference, shape, noise = (np.cumsum(changes, axis=-1) for changes in (difference, shape, noise))
    # Column by column in memory, a reduction over the cells takes all draws at once.
    noise = np.asfortranarray(noise)
    observed = float(distance(difference[None, :])[0])
    size = float(distance(shape[None, :])[0])
    unchanged = np.sort(distance(noise))

    def quantile(scale: float, share: float) -> float:
        return _quantile(distance(scale * shape + noise), share) if scale else _quantile(unchanged, share)

    return _inverted(quantile, observed=observed, size=size)


def inverted_total_variation(table: Table) -> tuple[float, float, float]:
    """As `inverted` for the total variation of many cells, without simulation, in memory proportional to the cells.

    A sum over many cells is close to normal; each term is the absolute value of a normal difference, whose mean and
    variance are known (folded normal distribution: Leone, Nelson and Nottingham, 1961). That the differences add up
    to 0 is neglected, which changes the variance by a share of one in the number of cells.
    """
    import numpy as np
    from scipy.special import ndtr

    difference = table.current / table.m - table.reference / table.n
    variance = np.zeros(table.cells)
    for counts in (table.reference, table.current):
        share = filled_shares(counts)
        variance += share * (1 - share) / counts.sum()
    deviation = np.sqrt(variance)
    observed = float(np.abs(difference).sum() / 2)

    def quantile(scale: float, share: float) -> float:
        change = scale * difference
        ratio = change / deviation
        mean = deviation * math.sqrt(2 / math.pi) * np.exp(-(ratio**2) / 2) + change * (2 * ndtr(ratio) - 1)
        spread = math.sqrt(max(0.0, float((change**2 + variance - mean**2).sum())))
        return float(mean.sum() + NormalDist().inv_cdf(share) * spread) / 2

    return _inverted(quantile, observed=observed, size=observed)


def _inverted(quantile: Callable[[float, float], float], *, observed: float, size: float) -> tuple[float, float, float]:
    """Estimate and limits from the quantiles of the distance under a scaled change of this size."""
    if size == 0:
        return observed, 0.0, min(1.0, max(observed, quantile(0.0, 0.975)))
    low, middle = (_scale(quantile, share, observed) * size for share in (0.975, 0.5))
    # Samples that are more alike than expected by chance do not prove that nothing changed: the upper limit stays that
    # of the median.
    high = _scale(quantile, 0.025, max(observed, quantile(0.0, 0.5))) * size
    return min(1.0, middle), min(1.0, low), min(1.0, high)


def _quantile(values: np.ndarray, share: float) -> float:
    """The quantile of values, shape (draws,), with linear interpolation: that of numpy, in a tenth of the time."""
    import numpy as np

    place = share * (len(values) - 1)
    low = math.floor(place)
    part = place - low
    first, second = np.partition(values, (low, low + 1))[low : low + 2].tolist()
    step = second - first
    return second - step * (1 - part) if part >= 0.5 else first + step * part


def _scale(quantile: Callable[[float, float], float], share: float, observed: float) -> float:
    """The scale at which this quantile equals the observed distance; 0 where it is larger without any change."""
    if quantile(0.0, share) >= observed:
        return 0.0
    low, high = 0.0, 1.0
    while quantile(high, share) < observed and high < 1024:
        low, high = high, 2 * high
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if quantile(middle, share) < observed else (low, middle)
    return (low + high) / 2


def _noise(table: Table, seed: int) -> np.ndarray:
    """Sampling noise of the difference of the shares, shape (draws, cells): both multinomial, normal approximation."""
    import numpy as np

    draws = min(DRAWS, max(MIN_DRAWS, MAX_NUMBERS // table.cells))
    generator = np.random.default_rng([seed, table.cells])
    total = np.zeros((draws, table.cells))
    for counts in (table.reference, table.current):
        root = np.sqrt(filled_shares(counts))
        normal = generator.standard_normal((draws, table.cells))
        projection = (normal * root).sum(axis=1, keepdims=True)
        total += root * (normal - projection * root) / math.sqrt(counts.sum())
    return total
