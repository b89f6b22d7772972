"""95% intervals: exact or in closed form where statistics offers one, a seeded bootstrap elsewhere."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

CONFIDENCE = 0.95

Scale = Literal["plain", "log", "logit"]


def clopper_pearson(successes: int, n: int) -> tuple[float, float]:
    """Exact binomial interval of a share (Clopper and Pearson, 1934); n must be positive."""
    from scipy.stats import beta

    if not 0 <= successes <= n or n == 0:
        raise ValueError(f"need 0 <= successes <= n and n > 0, got {successes} of {n}")
    tail = (1 - CONFIDENCE) / 2
    low = 0.0 if successes == 0 else float(beta.ppf(tail, successes, n - successes + 1))
    high = 1.0 if successes == n else float(beta.ppf(1 - tail, successes + 1, n - successes))
    return low, high


def newcombe(first: tuple[int, int], second: tuple[int, int]) -> tuple[float, float]:
    """Interval of a difference of two independent shares, each (successes, n): Newcombe (1998), method 10."""
    (low1, share1, high1), (low2, share2, high2) = _wilson(*first), _wilson(*second)
    low = share1 - share2 - math.hypot(share1 - low1, high2 - share2)
    return low, share1 - share2 + math.hypot(high1 - share1, share2 - low2)


def _wilson(successes: int, n: int) -> tuple[float, float, float]:
    """Low end, share, high end of Wilson's (1927) score interval."""
    from scipy.stats import norm

    z = float(norm.ppf((1 + CONFIDENCE) / 2))
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    reach = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return centre - reach, share, centre + reach


def bootstrap(
    statistic: Callable[[np.ndarray], float], n: int, *, seed: int, resamples: int = 200
) -> tuple[float, float] | None:
    """Percentile interval of a statistic of row numbers (Efron, 1979).

    `statistic` gets an int array of shape (n,), row numbers drawn with replacement, and returns a
    float; resamples on which it is undefined (NaN) are left out. None when most are undefined.
    """
    import numpy as np

    generator = np.random.default_rng(seed)
    values = np.array([statistic(generator.integers(0, n, size=n)) for _ in range(resamples)])
    values = values[np.isfinite(values)]
    if len(values) < resamples / 2:
        return None
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(values, [tail, 100 - tail])
    return float(low), float(high)


def paired_shares(first_only: int, second_only: int, n: int) -> tuple[float, float]:
    """Score interval of the difference of two shares of the same n rows (Tango, 1998), within -1 to 1.

    `first_only` rows count for the first share alone, `second_only` for the second alone; the
    difference is (first_only - second_only) / n. It stays open where no row differs.

    Raises:
        ValueError: the counts are negative or exceed n, or n is 0.
    """
    from scipy.optimize import brentq
    from scipy.stats import norm

    if n <= 0 or min(first_only, second_only) < 0 or first_only + second_only > n:
        raise ValueError(f"need 0 <= first_only + second_only <= n and n > 0, got {first_only}, {second_only} of {n}")
    seen, reach = (first_only - second_only) / n, float(norm.ppf((1 + CONFIDENCE) / 2))

    def distance(difference: float) -> float:
        """Standardised distance of what was seen from this true difference."""
        middle = -first_only - second_only + (2 * n - first_only + second_only) * difference
        root = math.sqrt(max(0.0, middle**2 + 8 * n * second_only * difference * (1 - difference)))
        share = (root - middle) / (4 * n)
        variance = n * (2 * share + difference * (1 - difference))
        return (first_only - second_only - n * difference) / math.sqrt(max(variance, 1e-300))

    # At -1 and 1 the variance is 0, so the search stays a hair inside.
    edge = 1 - 1e-12
    low = -1.0 if seen <= -edge else float(brentq(lambda one: distance(one) - reach, -edge, seen, xtol=1e-10))
    high = 1.0 if seen >= edge else float(brentq(lambda one: distance(one) + reach, seen, edge, xtol=1e-10))
    return low, high


def mcnemar(first_only: int, second_only: int) -> float:
    """Exact two-sided p-value that rows differ to either side equally often (McNemar, 1947; binomial)."""
    from scipy.stats import binom

    differing = first_only + second_only
    if differing == 0:
        return 1.0
    return min(1.0, 2 * float(binom.cdf(min(first_only, second_only), differing, 0.5)))


def block_length(moments: int) -> int:
    """Length of the blocks that keep the dependence of this many moments: 2.5 * moments^(1/3), at most a third."""
    return max(1, min(math.ceil(2.5 * moments ** (1 / 3)), moments // 3))


def block_interval(
    values: np.ndarray, *, length: int | None = None, scale: Scale = "plain"
) -> tuple[float, float] | None:
    """Interval of the mean of dependent values in order of time, shape (moments,).

    The variance is that of the moving-block bootstrap (Kuensch, 1989) in its closed form, the mean
    square of all block means, so that no draw adds noise; Student's t on as many degrees of freedom as
    whole blocks, less one. `scale` "log" keeps a positive mean above 0, "logit" a share inside 0 to 1.
    None below three blocks, or where nothing varies.
    """
    import numpy as np
    from scipy.stats import t

    moments = len(values)
    length = block_length(moments) if length is None else length
    blocks = moments / length if length > 0 else 0.0
    if blocks < 3:
        return None
    mean = float(values.mean())
    total = np.concatenate([[0.0], np.cumsum(values - mean)])
    means = (total[length:] - total[:-length]) / length
    variance = float(np.square(means).mean()) / (blocks - 1)
    reach = float(t.ppf((1 + CONFIDENCE) / 2, blocks - 1)) * math.sqrt(variance)
    return on_scale(mean, reach, scale) if reach > 1e-12 * abs(mean) else None


def on_scale(value: float, reach: float, scale: Scale) -> tuple[float, float] | None:
    """Value -+ reach, drawn on a scale that cannot leave the range of the number (delta method); None at its edge.

    "log" is for numbers above 0, "logit" for shares between 0 and 1.
    """
    if scale == "plain":
        return value - reach, value + reach
    if scale == "log":
        if value <= 0:
            return None
        factor = math.exp(min(reach / value, 700.0))
        return value / factor, value * factor
    if not 0 < value < 1:
        return None
    odds = math.exp(min(reach / (value * (1 - value)), 700.0))
    return value / (value + (1 - value) * odds), value * odds / (value * odds + 1 - value)
