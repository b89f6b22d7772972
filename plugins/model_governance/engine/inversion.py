"""Intervals of distances that are biased upwards near 0 (total variation, Kolmogorov-Smirnov), by inverting a test.

The change that was seen is scaled by t and drawn again and again with the noise of both samples; the interval holds the
true distances t * seen under which what was seen is no surprise on either side, and the estimate is the one under which
it is the median. A plain bootstrap would add the bias a second time.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from model_governance.engine.cells import filled_shares

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from model_governance.engine.cells import Table

DRAWS = 1000
STEPS = 12
MOST_NUMBERS = 50_000  # random numbers per table and side: tables of many cells are drawn less often
FEWEST_DRAWS = 200


def inverted(
    table: Table, distance: Callable[[np.ndarray], np.ndarray], *, seed: int, direction: np.ndarray | None = None
) -> tuple[float, float, float]:
    """Median-unbiased estimate and 95% limits of a distance of two share vectors.

    Args:
        table: the rows of both sides per cell, shape (cells,).
        distance: of differences of shares, shape (draws, cells), to shape (draws,); scales with them.
        seed: of the noise.
        direction: the shape of the change that is scaled, shape (cells,); by default what was seen.
    """
    import numpy as np

    difference = table.current / table.m - table.reference / table.n
    noise = _noise(table, seed)
    seen = float(distance(difference[None, :])[0])
    shape = difference if direction is None else direction
    size = float(distance(shape[None, :])[0])

    def quantile(scale: float, share: float) -> float:
        return float(np.quantile(distance(scale * shape + noise), share))

    if size == 0:
        return seen, 0.0, min(1.0, max(seen, quantile(0.0, 0.975)))
    low, middle = (_scale(quantile, share, seen) * size for share in (0.975, 0.5))
    # Samples more alike than chance makes them are no proof of no change: the upper limit stays that of a usual night.
    high = _scale(quantile, 0.025, max(seen, quantile(0.0, 0.5))) * size
    return min(1.0, middle), min(1.0, low), min(1.0, high)


def _scale(quantile: Callable[[float, float], float], share: float, seen: float) -> float:
    """The scale at which this quantile is what was seen; 0 where it already is larger without any change."""
    if quantile(0.0, share) >= seen:
        return 0.0
    low, high = 0.0, 1.0
    while quantile(high, share) < seen and high < 1024:
        low, high = high, 2 * high
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if quantile(middle, share) < seen else (low, middle)
    return (low + high) / 2


def _noise(table: Table, seed: int) -> np.ndarray:
    """What chance adds to the difference of the shares, shape (draws, cells): both sides multinomial, as normal."""
    import numpy as np

    draws = min(DRAWS, max(FEWEST_DRAWS, MOST_NUMBERS // table.cells))
    generator = np.random.default_rng([seed, table.cells])
    total = np.zeros((draws, table.cells))
    for counts in (table.reference, table.current):
        root = np.sqrt(filled_shares(counts))
        normal = generator.standard_normal((draws, table.cells))
        along = (normal * root).sum(axis=1, keepdims=True)
        total += root * (normal - along * root) / math.sqrt(counts.sum())
    return total
