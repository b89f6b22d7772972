"""95% intervals: exact or in closed form where there is one, else a seeded bootstrap."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

CONFIDENCE = 0.95

Scale = Literal["plain", "log", "logit"]
STRONGEST = 0.95
"""Largest correlation of neighbouring moments that a series of this length is believed to have."""


def clopper_pearson(successes: int, n: int) -> tuple[float, float]:
    """Exact 95% interval of a share (Clopper and Pearson, 1934), by quantiles of the beta distribution.

    Equal to `scipy.stats.binomtest(successes, n).proportion_ci(method="exact")`, which finds the same limits by root
    search in twenty times the time.

    Args:
        successes: Rows that count, from 0 to n.
        n: All rows, above 0.

    Returns:
        Lower and upper limit in [0, 1].

    Raises:
        ValueError: The counts are not of that kind.
    """
    from scipy.stats import beta

    if not 0 <= successes <= n or n == 0:
        raise ValueError(f"need 0 <= successes <= n and n > 0, got {successes} of {n}")
    tail = (1 - CONFIDENCE) / 2
    low = 0.0 if successes == 0 else float(beta.ppf(tail, successes, n - successes + 1))
    high = 1.0 if successes == n else float(beta.ppf(1 - tail, successes + 1, n - successes))
    return low, high


def bootstrap(
    statistic: Callable[[np.ndarray], float], n: int, *, seed: int, resamples: int = 200
) -> tuple[float, float] | None:
    """95% percentile interval of a statistic of row numbers (Efron, 1979).

    Args:
        statistic: Maps row numbers (n,), drawn with replacement, to a number; NaN where it is undefined.
        n: Number of rows.
        seed: Seed of the resampling.
        resamples: Number of resamples.

    Returns:
        Lower and upper limit over the resamples where the statistic is defined; None where most are not.
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
    """95% score interval of the difference of two shares of the same n rows (Tango, 1998).

    Args:
        first_only: Rows that count for the first share only.
        second_only: Rows that count for the second share only.
        n: All rows.

    Returns:
        Limits of (first_only - second_only) / n in [-1, 1]; the interval has a width where no row differs.

    Raises:
        ValueError: The counts are negative or exceed n, or n is 0.
    """
    from scipy.optimize import brentq
    from scipy.stats import norm

    if n <= 0 or min(first_only, second_only) < 0 or first_only + second_only > n:
        raise ValueError(f"need 0 <= first_only + second_only <= n and n > 0, got {first_only}, {second_only} of {n}")
    observed, reach = (first_only - second_only) / n, float(norm.ppf((1 + CONFIDENCE) / 2))

    def score(difference: float) -> float:
        """Standardised distance of the observed difference from this true one."""
        middle = -first_only - second_only + (2 * n - first_only + second_only) * difference
        root = math.sqrt(max(0.0, middle**2 + 8 * n * second_only * difference * (1 - difference)))
        share = (root - middle) / (4 * n)
        variance = n * (2 * share + difference * (1 - difference))
        return (first_only - second_only - n * difference) / math.sqrt(max(variance, 1e-300))

    # At -1 and 1 the variance is 0, so the search for the limits stays inside.
    edge = 1 - 1e-12
    low = high = observed
    if observed > -edge:
        low = float(brentq(lambda difference: score(difference) - reach, -edge, observed, xtol=1e-10))
    if observed < edge:
        high = float(brentq(lambda difference: score(difference) + reach, observed, edge, xtol=1e-10))
    return low, high


def mcnemar(first_only: int, second_only: int) -> float:
    """Two-sided exact p-value of two equal shares of the same rows (McNemar, 1947; binomial test).

    Args:
        first_only: Rows that count for the first share only.
        second_only: Rows that count for the second share only.

    Returns:
        A probability; 1 where no row differs.
    """
    from scipy.stats import binomtest

    differing = first_only + second_only
    return float(binomtest(first_only, differing).pvalue) if differing else 1.0


def block_length(moments: int) -> int:
    """Block length for a series of that many moments: 2.5 * moments^(1/3), at least 1 and at most a third of them."""
    return max(1, min(math.ceil(2.5 * moments ** (1 / 3)), moments // 3))


def block_interval(
    values: np.ndarray, *, length: int | None = None, scale: Scale = "plain"
) -> tuple[float, float] | None:
    """95% interval of the mean of dependent values.

    The variance is that of the moving-block bootstrap (Kuensch, 1989) in closed form, the mean square of all block
    means, so that resampling adds no noise; Student's t with as many degrees of freedom as whole blocks, less one. Blocks
    that are short against the dependence show too little of it, so the variance is also taken after a first-order
    autoregression is removed, and scaled back (Andrews and Monahan, 1992, with the correlation freed of its bias after
    Kendall, 1954); the larger of the two counts.

    Args:
        values: Values in order of time, shape (moments,).
        length: Moments in a block; `block_length` by default.
        scale: As `on_scale`.

    Returns:
        Lower and upper limit; None below three blocks, or where nothing varies.
    """
    from scipy.stats import t

    moments = len(values)
    length = block_length(moments) if length is None else length
    blocks = moments / length if length > 0 else 0.0
    if blocks < 3:
        return None
    mean = float(values.mean())
    centred = values - mean
    variance = max(_block_variance(centred, length), _prewhitened_variance(centred, length))
    reach = float(t.ppf((1 + CONFIDENCE) / 2, blocks - 1)) * math.sqrt(variance)
    return on_scale(mean, reach, scale) if reach > 1e-12 * abs(mean) else None


def _block_variance(centred: np.ndarray, length: int) -> float:
    """Variance of the mean from the mean square of all block means; values (moments,) of mean 0."""
    import numpy as np

    total = np.concatenate([[0.0], np.cumsum(centred)])
    means = (total[length:] - total[:-length]) / length
    return float(np.square(means).mean()) / (len(centred) / length - 1)


def _prewhitened_variance(centred: np.ndarray, length: int) -> float:
    """`_block_variance` of the residuals of an autoregression, scaled back to the values; 0 where nothing varies."""
    import numpy as np

    moments, square = len(centred), float(np.square(centred).sum())
    if square == 0 or (moments - 1) / length <= 1:
        return 0.0
    correlation = float((centred[1:] * centred[:-1]).sum()) / square
    correlation = min(STRONGEST, max(0.0, correlation + (1 + 3 * correlation) / moments))
    residual = centred[1:] - correlation * centred[:-1]
    return _block_variance(residual - residual.mean(), length) / (1 - correlation) ** 2


def on_scale(value: float, reach: float, scale: Scale) -> tuple[float, float] | None:
    """Value minus and plus reach, computed on a scale that keeps the limits in the range (delta method).

    Args:
        value: The estimate.
        reach: Half the width of its interval on the plain scale.
        scale: "plain", "log" for numbers above 0, "logit" for shares between 0 and 1.

    Returns:
        Lower and upper limit; None where the value lies at the edge of the range.
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
