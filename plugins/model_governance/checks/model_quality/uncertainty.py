"""95% intervals of quality metrics: closed forms where the statistics offers one, else the bootstrap over rows.

An interval of no width is dropped: it says that this sample has nothing to vary, not that the
number is known exactly.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from model_governance.intervals import CONFIDENCE, bootstrap, clopper_pearson

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np

    from model_governance.checks.model_quality.measurement import Interval

TAIL = (1 - CONFIDENCE) / 2


def mean_interval(values: np.ndarray) -> Interval | None:
    """Student's t interval of a mean of independent rows, values of shape (n,); none below two rows."""
    import numpy as np
    from scipy.stats import t

    n = len(values)
    if n < 2:
        return None
    mean = float(np.mean(values))
    reach = float(t.ppf(1 - TAIL, n - 1)) * float(np.std(values, ddof=1)) / math.sqrt(n)
    return (mean - reach, mean + reach) if reach > 0 else None


def mean_interval_from_zero(values: np.ndarray) -> Interval | None:
    """`mean_interval` of values that cannot be negative, cut at 0."""
    interval = mean_interval(values)
    return None if interval is None else (max(0.0, interval[0]), interval[1])


def median_interval(values: np.ndarray) -> Interval | None:
    """Distribution-free interval of a median from two order statistics (binomial, exact); none below six rows."""
    import numpy as np
    from scipy.stats import binom

    rank = int(binom.ppf(TAIL, len(values), 0.5))
    if rank == 0:
        return None
    ordered = np.sort(values)
    low, high = float(ordered[rank - 1]), float(ordered[len(values) - rank])
    return (low, high) if low < high else None


def average_interval(shares: Sequence[tuple[int, int]]) -> Interval:
    """Interval of the mean of independent shares, each (successes, n) with n > 0.

    Distances to the exact limits of each share are added in squares: the method of variance
    estimates recovery (Zou and Donner, 2008). Unlike a bootstrap it stays open at 0% and 100%.
    """
    limits = [(successes / n, *clopper_pearson(successes, n)) for successes, n in shares]
    mean = sum(value for value, _, _ in limits) / len(limits)
    below = math.sqrt(sum((value - low) ** 2 for value, low, _ in limits)) / len(limits)
    above = math.sqrt(sum((high - value) ** 2 for value, _, high in limits)) / len(limits)
    return max(0.0, mean - below), min(1.0, mean + above)


def f1_interval(hits: int, misses: int) -> Interval:
    """Exact interval of F1 = 2h / (2h + m), with h true positives and m = FP + FN, h + m > 0.

    Given h + m, h is binomial with the share J (Jaccard), and F1 = 2J / (1 + J) grows with J: so the
    Clopper-Pearson limits of J carry over.
    """
    low, high = clopper_pearson(hits, hits + misses)
    return 2 * low / (1 + low), 2 * high / (1 + high)


def resampled(statistic: Callable[[np.ndarray], float], n: int, *, seed: int, resamples: int) -> Interval | None:
    """Bootstrap interval of a statistic of row (or group) numbers; none below two rows or without width."""
    if n < 2:
        return None
    interval = bootstrap(statistic, n, seed=seed, resamples=resamples)
    return interval if interval is not None and interval[0] < interval[1] else None
