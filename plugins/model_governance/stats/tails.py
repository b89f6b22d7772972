"""Means of values with heavy tails: how heavy the tail is, and limits that do not need a variance.

Where the tail index of the values is 2 or less they have no variance, and every interval that starts from one is far too
narrow, on the upper side above all: a sample of thousands has not seen the values that make the mean.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    Interval = tuple[float, float]

NO_VARIANCE = 2.0
"""Tail index up to which the variance does not exist."""
DOUBTFUL = 2.5
"""Tail index below which a sample of this size does not show that it exists."""
FEWEST = 50
SUBSAMPLES = 1000
SMALLEST_SPREAD = 0.1
TAIL = 0.025


def tail_index(sizes: np.ndarray) -> float:
    """Hill's estimate (1975) of the tail index from the largest sqrt(n) of n values: P(X > x) falls like x^-index.

    Args:
        sizes: values (n,) of 0 or more.

    Returns:
        The index; infinite below `FEWEST` values, which show no tail, and where the largest values are equal.
    """
    import numpy as np

    n = len(sizes)
    if n < FEWEST:
        return math.inf
    top = math.isqrt(n)
    largest = np.partition(sizes, n - top - 1)[n - top - 1 :]
    threshold = float(largest[0])
    if threshold <= 0:
        return math.inf
    excess = float(np.log(largest[1:] / threshold).mean())
    return 1 / excess if excess > 0 else math.inf


def subsampled_interval(values: np.ndarray, *, seed: int) -> Interval:
    """95% interval of a mean from t statistics of subsamples of sqrt(n) values (Romano and Wolf, 1999).

    Valid with and without a variance, as the t statistic of a subsample has the same limit as that of the sample. The
    standard deviation of a subsample counts for a tenth of that of the sample at least: a subsample that holds none of
    few large values would otherwise make the limit meaningless.

    Args:
        values: independent values (n,), not all equal.
        seed: of the subsamples.
    """
    import numpy as np

    n = len(values)
    size = max(2, math.isqrt(n))
    mean, deviation = float(values.mean()), float(values.std(ddof=1))
    drawn = values[np.random.default_rng(seed).integers(0, n, (SUBSAMPLES, size))]
    spread = np.maximum(drawn.std(axis=1, ddof=1), SMALLEST_SPREAD * deviation)
    statistics = math.sqrt(size) * (drawn.mean(axis=1) - mean) / spread
    low, high = np.quantile(statistics, [TAIL, 1 - TAIL])
    error = deviation / math.sqrt(n)
    return mean - error * float(high), mean - error * float(low)


def allow_for_tail(values: np.ndarray, interval: Interval, *, seed: int) -> tuple[Interval, str]:
    """An interval of the mean of values (n,), widened where their tail is heavy, and a few words that say so.

    Args:
        values: independent values; of both signs where they are influences.
        interval: the interval that a variance gives.
        seed: of the subsamples.

    Returns:
        The interval, and the remark; empty where the tail is light.
    """
    import numpy as np

    index = tail_index(np.abs(values))
    if index >= DOUBTFUL:
        return interval, ""
    low, high = subsampled_interval(values, seed=seed)
    remark = f"heavy tail (index {index:.1f}): interval unreliable" if index <= NO_VARIANCE else ""
    return (min(low, interval[0]), max(high, interval[1])), remark
